"""One person in front of the page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect


@dataclass(frozen=True)
class Console:
    """A running service, and the tokens of who may turn its points, of who may only ask, and of who may only look."""

    url: str
    tuner: str
    reader: str
    auditor: str

    @property
    def headers(self) -> dict[str, str]:
        """Those of who may turn its points."""
        return {"Authorization": f"Bearer {self.tuner}"}

    def get(self, path: str) -> Any:
        return self._read(httpx.get(f"{self.url}/{path}", headers=self.headers, timeout=60))

    def preview(self, model: str, operating_point: object, prevalence: float | None = None) -> Any:
        body = {"operating_point": operating_point, "prevalence": prevalence}
        url = f"{self.url}/operating-points/{model}/preview"
        return self._read(httpx.post(url, json=body, headers=self.headers, timeout=60))

    def turn(self, model: str, operating_point: object, reason: str) -> Any:
        """Change the live point behind the page's back."""
        body = {"operating_point": operating_point, "reason": reason}
        body["version"] = self.get(f"operating-points/{model}")["version"]
        url = f"{self.url}/operating-points/{model}"
        return self._read(httpx.put(url, json=body, headers=self.headers, timeout=60))

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()


@dataclass
class Visit:
    """A page, what it asked for, and what went wrong in it, save the refusals that a test foresees."""

    page: Page
    console: Console
    asked: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    foreseen: tuple[str, ...] = ()

    def hear(self, message: ConsoleMessage) -> None:
        # The browser itself reports each answer that is no success.
        expected = any(f"Failed to load resource: {text}" in message.text for text in self.foreseen)
        if message.type in {"error", "warning"} and not expected:
            self.problems.append(message.text)

    def foresee(self, *statuses: int) -> None:
        self.foreseen = tuple(f"the server responded with a status of {status}" for status in statuses)

    def wait(self) -> None:
        expect(self.page.locator("#main")).to_have_attribute("aria-busy", "false", timeout=30_000)
        expect(self.page.locator("#verdict")).not_to_be_empty(timeout=30_000)

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=re.compile(name))

    def sign_in(self, token: str) -> None:
        """Fill in the open dialog."""
        expect(self.find("#token")).to_be_focused(timeout=15_000)
        self.find("#token").fill(token)
        self.find("#sign-in-confirm").click()

    def ask_model(self) -> None:
        """Ask about the person of the form."""
        self.button("Ask the model").click()

    def shows(self, selector: str, text: str | re.Pattern[str]) -> None:
        expect(self.find(selector)).to_contain_text(text, timeout=15_000)

    def sent(self, path: str) -> list[Any]:
        """The bodies that were sent to an address, oldest first."""
        found = [request for request in self.asked if request.url.endswith(path) and request.method != "GET"]
        return [json.loads(request.post_data or "null") for request in found]

    def words(self, text: str) -> None:
        self.find("#words").fill(text)
        self.find("#words").press("Enter")

    def figure(self, term: str, column: int = 0) -> str:
        """What the table of figures says of a term, in its first or second column."""
        row = self.find("#figures tbody tr").filter(has_text=f"({term})")
        return row.locator("td").nth(column).locator("b").inner_text()

    def confirm(self, reason: str) -> None:
        """Fill in the open dialog, and confirm."""
        self.find("#reason").fill(reason)
        self.find("#confirm").click()


def percents(text: str) -> list[float]:
    """Every percentage of a text, as a share."""
    return [float(number.replace(",", "")) / 100 for number in re.findall(r"([\d.,]+)\s*%", text)]


def numbers(text: str) -> list[int]:
    """Every whole number of a text that is no percentage."""
    return [int(number.replace(",", "")) for number in re.findall(r"(?<![\d.])(\d[\d,]*)(?![\d.,]*\s*%)(?!\.\d)", text)]
