"""A generator of rows like those it has seen, trained against a discriminator that tells them apart."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from models.value import Value

# A column of so few values takes no others: a generated number becomes the nearest of them.
FEW = 2


class GAN(Value):
    """A pair of small networks, each with its own optimizer, for tables of some tens of columns.

    The discriminator compares a generated row with a real one, which covers all modes where a verdict on each
    alone may settle for a few; penalties on its slope at both kinds of rows make the game converge. What is kept is
    the moving average of the generator's weights.

    Source: Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014; Jolicoeur-Martineau, "The Relativistic
    Discriminator", ICLR 2019; Mescheder, Geiger & Nowozin, "Which Training Methods for GANs do actually Converge?",
    ICML 2018; Huang et al., "The GAN is dead; long live the GAN!", NeurIPS 2024; of
    noise: Arjovsky & Bottou, "Towards Principled Methods for Training Generative Adversarial Networks", ICLR 2017.

    >>> rows = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> GAN(steps=5).fit(rows, seed=0).sample(2, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """

    latent: int = Field(8, ge=1, description="random numbers that a row is made of")
    hidden: int = Field(64, ge=1, description="numbers in each of the two hidden layers of both networks")
    steps: int = Field(2000, ge=1, description="of each network, taken in turn")
    batch: int = Field(128, ge=1, description="real rows a step, and as many generated ones")
    generator_rate: float = Field(1e-2, gt=0, description="learning rate of the generator, falling to nothing")
    discriminator_rate: float = Field(1e-2, gt=0, description="learning rate of the discriminator, likewise")
    penalty: float = Field(0.05, ge=0, description="weight of half the squared slope, at real and at generated rows")
    noise: float = Field(0.2, ge=0, description="added to what is judged, real or generated, in spreads of a column")
    kept: float = Field(0.99, ge=0, lt=1, description="share of the averaged generator that stays at each step")

    def fit(self, rows: torch.Tensor, seed: int) -> Generator:
        """A generator of rows like `rows` [rows, width]; the same for the same seed and rows, on one machine.

        Raises ValueError naming the shape if there are fewer than two rows.
        """
        if rows.ndim != 2 or len(rows) < 2:
            raise ValueError(f"Expected rows (2 or more, width) to learn from, got {tuple(rows.shape)}.")
        scale = Scale.of(rows)
        real = scale.shrunk(rows)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator = _network(self.latent, self.hidden, rows.shape[1]).to(rows)
            discriminator = _network(rows.shape[1], self.hidden, 1).to(rows)
        draw = torch.Generator(rows.device).manual_seed(seed)
        averaged = copy.deepcopy(generator).requires_grad_(requires_grad=False)
        makes, judges = (
            torch.optim.Adam(net.parameters(), lr=rate, betas=(0.0, 0.99))
            for net, rate in ((generator, self.generator_rate), (discriminator, self.discriminator_rate))
        )
        for step in range(self.steps):
            for optimizer, rate in ((makes, self.generator_rate), (judges, self.discriminator_rate)):
                optimizer.param_groups[0]["lr"] = rate * (1 - step / self.steps)
            shown, made = self._seen(real, generator, draw)
            self._judge(discriminator, judges, shown, made.detach())
            shown, made = self._seen(real, generator, draw)
            self._make(discriminator, generator, makes, shown, made)
            for mean, weight in zip(averaged.parameters(), generator.parameters(), strict=True):
                mean.lerp_(weight.detach(), 1 - self.kept)
        return Generator(averaged, self.latent, scale)

    def _seen(
        self, real: torch.Tensor, generator: nn.Module, draw: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch of real rows and one of generated rows, both with noise."""

        def random(width: int) -> torch.Tensor:
            return torch.randn(self.batch, width, generator=draw, device=real.device, dtype=real.dtype)

        rows = real[torch.randint(len(real), (self.batch,), generator=draw, device=real.device)]
        made = generator(random(self.latent))
        return rows + self.noise * random(rows.shape[1]), made + self.noise * random(rows.shape[1])

    def _judge(
        self, discriminator: nn.Module, optimizer: torch.optim.Optimizer, real: torch.Tensor, made: torch.Tensor
    ) -> None:
        """One step of the discriminator: real rows above generated ones, with a gentle slope at both."""
        both = torch.cat([real, made]).requires_grad_()
        verdicts = discriminator(both).squeeze(1)
        (slope,) = torch.autograd.grad(verdicts.sum(), both, create_graph=True)
        gap = verdicts[: len(real)] - verdicts[len(real) :]
        # The mean over both kinds is half of the sum of two means, as each penalty wants it.
        loss = functional.softplus(-gap).mean() + self.penalty * slope.square().sum(dim=1).mean()
        _step(optimizer, loss, discriminator)

    @staticmethod
    def _make(
        discriminator: nn.Module,
        generator: nn.Module,
        optimizer: torch.optim.Optimizer,
        real: torch.Tensor,
        made: torch.Tensor,
    ) -> None:
        """One step of the generator: generated rows above real ones."""
        gap = discriminator(made).squeeze(1) - discriminator(real).squeeze(1).detach()
        loss = functional.softplus(-gap).mean()
        _step(optimizer, loss, generator)


@dataclass(frozen=True)
class Scale:
    """Mean and spread of each column [width], and the values of columns that take few, by column."""

    mean: torch.Tensor
    spread: torch.Tensor
    values: dict[int, torch.Tensor]

    @staticmethod
    def of(rows: torch.Tensor) -> Scale:
        spread = rows.std(dim=0, correction=0)
        found = {column: torch.unique(rows[:, column]) for column in range(rows.shape[1])}
        few = {column: values for column, values in found.items() if len(values) <= FEW}
        return Scale(rows.mean(dim=0), torch.where(spread > 0, spread, torch.ones_like(spread)), few)

    def shrunk(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.mean) / self.spread

    def grown(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows * self.spread + self.mean
        for column, values in self.values.items():
            rows[:, column] = values[(rows[:, column : column + 1] - values).abs().argmin(dim=1)]
        return rows


@dataclass(frozen=True)
class Generator:
    """Makes rows like those that a GAN was fitted on."""

    network: nn.Module
    latent: int
    scale: Scale

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """New rows [count, width]. A column that took one or two values takes no other."""
        mean = self.scale.mean
        noise = torch.randn(count, self.latent, generator=generator, device=mean.device, dtype=mean.dtype)
        with torch.no_grad():
            return self.scale.grown(self.network(noise))


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor, network: nn.Module) -> None:
    """Go down a loss with one network's weights; the other network's are left without a gradient."""
    weights = list(network.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()


def _network(width: int, hidden: int, out: int) -> nn.Sequential:
    # Smooth, so that the slope that is penalised has a slope itself.
    return nn.Sequential(
        nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, out)
    )
