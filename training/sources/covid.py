from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import urllib.request
import zipfile
from pathlib import Path

import polars as pl

from models.errors import NoData
from training.source import Source
from training.table import Table

NAME = "corona_tested_individuals_ver_006.english.csv.zip"
HOME = "https://raw.githubusercontent.com/nshomron/covidpred/master/data/" + NAME
SHA256 = "671ba95d09f3bca5023f455d7190aa06284b45370f6ff27fe6ca0c43ea43218b"
SYMPTOMS = ("cough", "fever", "sore_throat", "shortness_of_breath", "head_ache")


class CovidTests(Source):
    """Everybody tested for COVID-19 by RT-PCR in Israel up to 30 April 2020.

    Read from `$FULCRUM_DATA/covid/`, else from the cache, else fetched once from the dataset's public home and
    checked against its SHA-256. Rows with result `other` or without a sex are dropped, as the published protocol
    does. Missing symptoms and ages stay missing.

    Source: Israeli Ministry of Health, translated by Zoabi, Deri-Rozov & Shomron, "Machine learning-based
    prediction of COVID-19 diagnosis based on symptoms", npj Digital Medicine 2021.
    """

    def read(self) -> Table:
        place, packed = _packed()
        digest = hashlib.sha256(packed).hexdigest()
        if digest != SHA256:
            raise NoData(f"{place}: should have SHA-256 {SHA256}, got {digest}.")
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            text = archive.read(archive.namelist()[0])
        return Table(_protocol(pl.read_csv(text, infer_schema=False, null_values=["None"])), {NAME: digest})


def _protocol(raw: pl.DataFrame) -> pl.DataFrame:
    """The rows and the eight features of the paper, and the ninth (`abroad`) which it left out."""
    kept = raw.filter(pl.col("corona_result").is_in(["positive", "negative"]) & pl.col("gender").is_not_null())
    return kept.select(
        pl.col("test_date").str.to_date(),
        *[pl.col(name).cast(pl.Int8) for name in SYMPTOMS],
        pl.col("age_60_and_above").replace_strict({"Yes": 1, "No": 0}, return_dtype=pl.Int8),
        pl.col("gender").alias("sex"),
        (pl.col("test_indication") == "Contact with confirmed").cast(pl.Int8).alias("contact_with_confirmed"),
        (pl.col("test_indication") == "Abroad").cast(pl.Int8).alias("abroad"),
        pl.col("corona_result").alias("result"),
    )


def _packed() -> tuple[str, bytes]:
    """The packed file, with the place where it was found."""
    cached = cache() / NAME
    named = os.environ.get("FULCRUM_DATA")
    for place in ([Path(named) / "covid" / NAME] if named else []) + [cached]:
        if place.is_file():
            return str(place), place.read_bytes()
    try:
        with urllib.request.urlopen(HOME, timeout=20) as answer:
            packed: bytes = answer.read()
    except (http.client.HTTPException, OSError) as error:
        raise NoData(f"{NAME}: not under FULCRUM_DATA ({named or 'not set'}), nor to be fetched: {error}.") from None
    if hashlib.sha256(packed).hexdigest() == SHA256:
        # Where nothing may be written it is fetched again another time.
        with contextlib.suppress(OSError):
            cached.parent.mkdir(parents=True, exist_ok=True)
            fresh = cached.with_suffix(".part")
            fresh.write_bytes(packed)
            fresh.replace(cached)
    return HOME, packed


def cache() -> Path:
    """Where fetched data is kept: `$FULCRUM_CACHE`, else `fulcrum` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("FULCRUM_CACHE") or Path(base) / "fulcrum")
