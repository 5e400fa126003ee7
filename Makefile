# Everything from a fresh clone: `make demo` shows the main job, `make test` runs the tests.
.PHONY: demo demo-gui test lint types docs screenshots wheel environment

UV = $(shell sh scripts/uv_path.sh)
RUN = $(UV) run --frozen --extra qt

demo: environment
	$(RUN) napari-lexicon demo --out demo

demo-gui: environment
	$(RUN) napari-lexicon demo --out demo --gui

test: environment
	$(RUN) pytest

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
