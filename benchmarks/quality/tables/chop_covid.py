"""A positive SARS-CoV-2 PCR among children tested at the Children's Hospital of Philadelphia in 2020.

Target: positive; tests with an invalid result are left out.
Dropped: ct_result (is the outcome), both turn-around times (come after the order), pan_day (the calendar), names and
test_id. A patient has several tests: rows are grouped by subject_id.
Caveat: what is known at the order says little, so every model is near the ground.
Source: `covid_testing` of R's medicaldata.
"""

from __future__ import annotations

import polars as pl

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import r_table

SEEN = ("gender", "clinic_name", "demo_group", "age", "drive_thru_ind", "orderset", "payor_group", "patient_class")


def table() -> Table:
    rows = r_table("medicaldata", "covid_testing").filter(pl.col("result") != "invalid")
    patients = rows["subject_id"].to_numpy()
    return Table("chop_covid", features(rows.select(SEEN)), outcome(rows["result"] == "positive"), groups=patients)
