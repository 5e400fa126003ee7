# Everything from a fresh clone: `make demo` shows the main job, `make test` runs the tests.
.PHONY: demo demo-gui test pyside python lint types docs screenshots wheel environment

UV = $(shell sh scripts/uv_path.sh)
RUN = $(UV) run --frozen --extra qt

# Every job is a process of its own: where Python may not keep what it compiled, each compiles all of torch anew.
export PYTHONDONTWRITEBYTECODE =

demo: environment
	$(RUN) napari-lexicon demo --out demo

demo-gui: environment
	$(RUN) napari-lexicon demo --out demo --gui

# The window's tests run beside the others, the later ones of them after these, so that both take as long: all wait more
# than they compute. One thread each keeps them apart.
LATER := $(wildcard tests/gui/test_[r-z]*.py)
SOONER := $(filter-out $(LATER),$(wildcard tests/gui/test_*.py))
OTHERS := $(filter-out tests/gui/ tests/__pycache__/,$(wildcard tests/*/)) $(wildcard tests/test_*.py)
test: export OMP_NUM_THREADS = 1
test: environment
	@log=$$(mktemp); $(RUN) pytest $(SOONER) > $$log 2>&1 & window=$$!; \
	$(RUN) pytest $(OTHERS) $(LATER); others=$$?; \
	wait $$window; window=$$?; cat $$log; rm -f $$log; \
	exit $$((others | window))

# The window's tests once more with the other Qt binding, in an environment of its own.
pyside: environment
	UV_PROJECT_ENVIRONMENT=.venv-pyside6 QT_API=pyside6 OMP_NUM_THREADS=1 \
	$(UV) run --frozen --extra pyside6 pytest tests/gui tests/widgets

# All tests with another Python, whose locked libraries are newer ones in part: make python PYTHON=3.13
PYTHON = 3.13
python: environment
	UV_PROJECT_ENVIRONMENT=.venv-$(PYTHON) OMP_NUM_THREADS=1 $(RUN) --python $(PYTHON) pytest

lint: environment
	$(RUN) --group dev ruff check .
	$(RUN) --group dev ruff format --check .
	$(RUN) --group dev lint-imports

types: environment
	$(RUN) --group dev mypy

docs: environment
	$(RUN) --group docs mkdocs build --strict

screenshots: environment
	$(RUN) python scripts/make_screenshots.py

wheel: environment
	$(UV) build --wheel

environment:
	@sh scripts/environment.sh
