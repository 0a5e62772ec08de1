"""Several copies of one network that learn side by side, each from rows of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from models.inputs import Inputs
from training.net import INPUTS, Net
from training.side_by_side import SideBySide


class Copies(nn.Module):
    """Networks of one shape, each with weights of its own, asked all at once.

    While they learn, every tap above the inputs has a place for each copy, [rows, copies, ...], and a network of
    several members takes a place for each member of each copy. When they answer, they answer with their mean.
    """

    def __init__(self, nets: Sequence[Net]) -> None:
        super().__init__()
        # Not a part of this module: its weights stand in the stacked ones.
        self._shape = (copy.deepcopy(nets[0]),)
        stacked, _ = stack_module_state([*nets])
        self._names = tuple(stacked)
        self.stacked = nn.ParameterList(nn.Parameter(stacked[name].detach()) for name in self._names)
        self.copies = len(nets)
        self.encoding = nets[0].encoding
        self.eye, self.fixed, self.learnt = None, None, None
        self._quick = SideBySide(self.one) if SideBySide.can(self.one) else None

    @property
    def one(self) -> Net:
        """A network of the same shape; its weights are nobody's."""
        return self._shape[0]

    @property
    def members(self) -> int:
        """Places that a tap has in training."""
        return self.copies * self.one.members

    @property
    def head_names(self) -> tuple[str, ...]:
        """As in each copy."""
        return self.one.head_names

    @property
    def spread(self) -> frozenset[str]:
        """The taps that now have a place for each member of each copy."""
        return frozenset(self.tap_names()) - {INPUTS} if self.training else frozenset()

    def train(self, mode: bool = True) -> Copies:  # noqa: FBT001, FBT002  # torch's own signature
        super().train(mode)
        self.one.train(mode)
        return self

    def tap_names(self) -> tuple[str, ...]:
        """As in each copy."""
        return self.one.tap_names()

    def known_numbers(self, inputs: torch.Tensor) -> torch.Tensor | None:
        """As of each copy."""
        return self.one.known_numbers(inputs)

    def taps(
        self, inputs: torch.Tensor, kept: torch.Tensor | None = None, numbers: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Every tap by name, from encoded columns [rows, width]; `numbers` as for a network alone."""
        del kept
        found = {name: tap if self.training else tap.mean(dim=1) for name, tap in self.each(inputs, numbers).items()}
        return {**found, INPUTS: inputs}

    def each(self, inputs: torch.Tensor, numbers: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Every tap of every copy, [rows, copies, ...], but for the inputs."""
        one, inner = self.one, self.one.spread
        weights = dict(zip(self._names, self.stacked, strict=True))
        if self._quick is not None:
            return {name: tap.movedim(0, 1) for name, tap in self._quick(weights, inputs, numbers).items()}

        def asked(own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            taps: dict[str, torch.Tensor] = functional_call(_Taps(one), _under("net", own), (inputs, numbers))
            del taps[INPUTS]
            return taps

        # What is left out by chance is left out in all copies: drawing it for each took a third of the time of a step.
        found = {name: tap.movedim(0, 1) for name, tap in vmap(asked, randomness="same")(weights).items()}
        if one.members == 1 or not self.training:
            return found
        among = {name: tap if name in inner else tap.unsqueeze(2) for name, tap in found.items()}
        return {
            name: tap.expand(*tap.shape[:2], one.members, *tap.shape[3:]).flatten(1, 2) for name, tap in among.items()
        }

    def each_weight(self, layer: str | None = None) -> list[torch.Tensor]:
        """All weights that multiply something, or those of one layer or head, of all copies: [copies, ...] each."""
        wanted = {id(weight) for weight in self.one.each_weight(layer)}
        own = dict(self.one.named_parameters())
        return [weight for name, weight in zip(self._names, self.stacked, strict=True) if id(own[name]) in wanted]

    def start_from(self, answers: Mapping[str, float]) -> None:
        """Let heads begin at a constant answer, so that training spends nothing on finding it."""
        stacked = dict(zip(self._names, self.stacked, strict=True))
        with torch.no_grad():
            for place, name in enumerate(self.head_names):
                if name in answers:
                    stacked[f"heads.{place}.bias"].fill_(answers[name])

    @torch.no_grad()
    def answers(self, rows: Inputs, names: Sequence[str]) -> dict[str, torch.Tensor]:
        """Some taps of many rows, the mean of all copies."""
        self.eval()
        taps = self.taps(self.encoding(torch.from_numpy(rows.columns)))
        return {name: taps[name] for name in names}

    @torch.no_grad()
    def unseen(self, inputs: torch.Tensor, held: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each head's answer to encoded rows [rows, width], the mean of the copies that a row is `held` from.

        `held` is bool [rows, copies]; every row should be held from one at least.
        """
        self.eval()
        taps, share = self.each(inputs), held.to(inputs.dtype) / held.sum(dim=1, keepdim=True)
        found = {}
        for name in self.head_names:
            weights = share if taps[name].ndim == 2 else share.unsqueeze(2)
            found[name] = (taps[name] * weights).sum(dim=1)
        return found

    def apart(self) -> list[Net]:
        """Each copy as a network of its own."""
        nets = []
        for place in range(self.copies):
            net = copy.deepcopy(self.one)
            net.load_state_dict(
                {name: weight[place].detach() for name, weight in zip(self._names, self.stacked, strict=True)},
                strict=False,
            )
            nets.append(net.eval())
        return nets


class _Taps(nn.Module):
    """A network called with what is encoded."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: torch.Tensor, numbers: torch.Tensor | None) -> dict[str, torch.Tensor]:
        return self.net.taps(inputs, numbers=numbers)


def _under(owner: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{owner}.{name}": weight for name, weight in weights.items()}
