# Every target does its own set-up in .venv; a second call is quick. Another Python: make test PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PAPERMILL := $(BIN)/python -m papermill --kernel python3 --cwd notebooks --no-progress-bar
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make pins" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest
export JUPYTER_PREFER_ENV_PATH := 1
.PHONY: emulator setup demo test lint notebooks bench bench-serving fuzz readme pins engine browser image pictures

setup: .venv/all.stamp

demo: .venv/demo.stamp
	mkdir -p build/demo
	$(PAPERMILL) notebooks/00_quickstart.ipynb build/demo/00_quickstart.ipynb
	$(PAPERMILL) notebooks/02_local_training.ipynb build/demo/02_local_training.ipynb
	@echo "Done. Open build/demo/report.html in a browser; beside it are forecasts.csv, leaderboard.csv, forecast.png"
	@echo "and the two executed notebooks. README.md says what comes next."

test: setup
	$(BIN)/python -m pytest --nbmake tests notebooks

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

notebooks: setup
	$(BIN)/python -m pytest --nbmake notebooks

# The only targets that install system packages, as root on Debian: Docker, debootstrap and a registry; Chromium.
engine:
	tests/image/engine.sh install

browser:
	tests/browser/browser.sh install

# The README's pictures, drawn again in Chromium
pictures: setup
	PYTHONPATH=container $(BIN)/python -m tests.browser notebooks/images/report.png
	$(BIN)/python -m tests.browser.lab notebooks/images/quickstart.png

image:
	BUILD_ONLY=1 container/build_and_push.sh

# SageMaker's API on this machine until Ctrl-C; without a Docker engine: make emulator RUNNER=processes
RUNNER ?= docker
emulator: setup
	@exec $(BIN)/python -m tests.emulator --runner $(RUNNER)

bench-serving: setup
	$(BIN)/python bench/serving.py speed

bench: setup
	$(BIN)/python bench/run.py

# Requests made from openapi.json and bytes made by coverage; longer: make fuzz SECONDS=3600
SECONDS ?= 120
fuzz: setup
	PYTHONPATH=container $(BIN)/python -m tests.fuzz --seconds $(SECONDS)

readme: setup
	UPDATE_README=1 $(BIN)/python -m pytest --quiet tests/contract/test_readme.py tests/unit/serving/test_openapi.py

pins: .venv/pyvenv.cfg
	$(PIP) uv==0.13.9
	$(COMPILE) $(UPGRADE) --generate-hashes container/requirements.in --output-file container/requirements.txt
	$(COMPILE) $(UPGRADE) requirements.in --output-file requirements.txt

.venv/pyvenv.cfg:
	@$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.12' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv .venv

.venv/demo.stamp: container/requirements.txt requirements.txt | .venv/pyvenv.cfg
	@echo "Installing what the demo needs into .venv (about a minute, once)."
	$(PIP) --requirement container/requirements.txt
	$(PIP) --constraint requirements.txt papermill ipykernel matplotlib
	touch $@

.venv/all.stamp: requirements.txt | .venv/pyvenv.cfg
	@echo "Installing requirements.txt into .venv (about two minutes, once)."
	$(PIP) --requirement requirements.txt
	touch $@ .venv/demo.stamp
