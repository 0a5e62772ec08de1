# Programs are started hundreds of times: what is compiled of them is kept.
export PYTHONDONTWRITEBYTECODE :=

# Two commands do everything: `make demo` and `make test`. Both make their own environment first.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# uv takes a third of the time, but does not know what pip was told of mirrors: where it fails, pip does it.
DEV := --constraint constraints.txt --editable ".[dev]"
# AutoGluon wants other versions of what is used here, and has an environment of its own.
AUTOGLUON ?= .venv-autogluon
# So do other servers that `make bench-serving` compares with.
PEERS := $(patsubst %,.venv-peers/%/.ready,litserve mlflow mlserver ray)
litserve := litserve==0.2.19
mlflow := mlflow==3.17.0
mlserver := mlserver==1.7.1
ray := ray[serve]==2.60.0
# And so do other ways to score a file, for `make bench-batch`; PySpark wants Java 17 too.
batch := daft==0.7.26 duckdb==2.0.1 pandas==2.3.3 polars==2.1.0 pyarrow==25.0.1 pyspark==4.3.0 ray[data]==2.60.0
# What to run of `make bench-quality`, e.g. QUALITY="--tables pima --repeats 0".
QUALITY ?=

.PHONY: help demo test format lint types tests coverage bench bench-batch bench-quality bench-serving certify models lock sbom audit-packages clean

help:
	@echo "make demo     train, certify, verify, serve and score, on real data"
	@echo "make test     lint, types, tests, doctests and the blocks of the README"
	@echo "make coverage the tests again, and what none of them reaches"
	@echo "make format   lay out the code"
	@echo "make models   make the shipped bundles again, to the same digests on one machine"
	@echo "make lock     write anew which packages a container of the service holds"
	@echo "make sbom     what the service is made of, packages and models, as CycloneDX"
	@echo "make audit-packages  is any of these packages known to be vulnerable"
	@echo "make certify  2,000 simulated certifications a rule; intervals; pathway; sites; calibration; decisions; bad rows; crashes; mutants"
	@echo "make bench    measured claims: the COVID protocol, turning under load, the page, losses compared, training speed, retina"
	@echo "make bench-batch  scoring a file beside other ways to do it and the limit of the machine; kills, full disks, a cluster; wants Java 17, and nothing else running"
	@echo "make bench-quality  out of the box beside other ways, on medical tables; takes hours, and goes on where it was stopped"
	@echo "make bench-serving  the service beside other ways to serve the same model; wants wrk, and nothing else running"
	@echo "make clean    remove the environment and what was made in out/"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(DEV) || $(BIN)/pip install --quiet $(DEV)
	@touch $(READY)

demo: $(READY)
	$(BIN)/python demo.py

test: lint types tests

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# As they stand: long files are begun early so, and the short ones of the doctests fill the end.
tests: $(READY)
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 10

# The same tests, and which lines and branches none of them reaches; servers and commands included, which takes longer.
coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/coverage report

models: $(READY)
	$(BIN)/fulcrum train covid --out models

# What serving needs and that needs in turn, each exactly as it is installed here.
lock: $(READY)
	$(BIN)/pip freeze --exclude-editable > $(VENV)/installed.txt
	$(BIN)/uv pip compile pyproject.toml --quiet --no-header --no-annotate --no-emit-index-url --only-binary :all: \
		--constraint $(VENV)/installed.txt --output-file serving/container/requirements.txt

# What the service is made of: out/sbom.cdx.json.
sbom: $(READY)
	$(BIN)/python -m supply.sbom

# Ends with 1 if a package is known to be vulnerable, with 3 if not all could be asked about.
audit-packages: $(READY)
	$(BIN)/python -m supply.audit

certify: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks.certification
	$(BIN)/python -m benchmarks.interval_coverage
	$(BIN)/python -m benchmarks.precision_bound
	$(BIN)/python -m benchmarks.cross_fit
	$(BIN)/python -m benchmarks.pathway_independence
	$(BIN)/python -m benchmarks.site_prevalence
	$(BIN)/python -m benchmarks.calibration_after_undo
	$(BIN)/python -m benchmarks.decisions
	$(BIN)/python -m benchmarks.fuzz
	$(BIN)/python -m benchmarks.store_crashes
	$(BIN)/python -m benchmarks.mutants

bench: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks.covid_protocol
	$(BIN)/python -m benchmarks.solving
	$(BIN)/python -m benchmarks.turning_under_load
	$(BIN)/python -m benchmarks.page_walk
	$(BIN)/fulcrum compare breast --seeds 5 --jobs 2 --out out
	$(BIN)/fulcrum compare covid --seeds 3 --jobs 2 --out out
	cp out/covid/comparison.json models/covid/comparison.json
	$(BIN)/python -m benchmarks.comparison out
	$(BIN)/python -m benchmarks.training_speed
	$(BIN)/python -m benchmarks.loss_helps
	$(BIN)/python -m benchmarks.covid_terms
	$(BIN)/python -m benchmarks.rare
	$(BIN)/python -m benchmarks.oversampling_gan
	$(BIN)/python -m benchmarks.retina

bench-batch: $(READY) .venv-peers/batch/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench,ray]" $(filter pyspark%,$(batch))
	$(BIN)/python -m benchmarks.batch.memory
	$(BIN)/python -m benchmarks.batch.photographs
	$(BIN)/python -m benchmarks.batch.spark_recipe
	$(BIN)/python -m benchmarks.batch.faults
	$(BIN)/python -m benchmarks.batch.ray_cluster
	$(BIN)/python -m benchmarks.batch

bench-quality: $(READY) $(AUTOGLUON)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[quality]"
	AUTOGLUON_PYTHON=$(AUTOGLUON)/bin/python $(BIN)/python -m benchmarks.quality $(QUALITY)
	$(BIN)/python -m benchmarks.quality page
	$(BIN)/python -m benchmarks.quality.ablating

bench-serving: $(READY) $(PEERS)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.serving.curves
	$(BIN)/python -m benchmarks.serving.photographs

.venv-peers/%/.ready: PACKAGES = $($*)
.venv-peers/%/.ready:
	$(PYTHON) -m venv .venv-peers/$*
	.venv-peers/$*/bin/pip install --quiet --disable-pip-version-check $(PACKAGES) onnxruntime msgspec
	@touch $@

$(AUTOGLUON)/.ready:
	$(PYTHON) -m venv $(AUTOGLUON)
	$(AUTOGLUON)/bin/pip install --quiet --disable-pip-version-check "autogluon.tabular[catboost,lightgbm,xgboost]==1.6.3"
	@touch $@

clean:
	rm -rf $(VENV) $(AUTOGLUON) .venv-peers out build .coverage* .pytest_cache .mypy_cache .ruff_cache
