"""The pursuit as an encoder: by compiled loops, or along the route that a short timing finds fastest; it is logged."""

from __future__ import annotations

import logging
import math
import time

import torch

from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.compiled import COMPILED, CompiledPursuit, pays
from napari_lexicon.dictionaries.encoder import EncoderSettings, rounds_within
from napari_lexicon.dictionaries.nomination import ROUTES, Route, possible_routes, safe_route
from napari_lexicon.dictionaries.pursuit import Pursuit, pursue, refitted

log = logging.getLogger(__name__)

_TRIAL = 1024  # tokens on which the routes race
_LAPS = 2
_BATCHES = 100  # of a training, at least: their real number may change when it goes on, and must not change its bits
_RACE_FROM = 8192  # fewer tokens than this, in one call or several, are coded sooner than a race is run


class PursuitEncoder:
    """Codes prepared tokens by a pursuit, in the way that is fastest here.

    Parameters
    ----------
    settings : EncoderSettings
        Rounds, picks per round, selection, refit.
    atoms : torch.Tensor
        ``(M, dim_w)`` unit rows.
    """

    def __init__(self, settings: EncoderSettings, atoms: torch.Tensor) -> None:
        self._settings = settings
        self._atoms = atoms
        self._routes: dict[str, Route | CompiledPursuit] = {}
        self._fastest: str | None = None
        self._seen = 0  # tokens

    def encode(self, unit: torch.Tensor, rounds: int | None = None, path: str | None = None) -> Codes:
        """Codes of prepared tokens: see :class:`Encoder`.

        Routes give the same codes to the last bit, and compiled loops the same features with values a rounding apart.
        """
        found = self.pursue(unit, rounds_within(self._settings, rounds), path)
        s = self._settings
        return refitted(unit, self._atoms, found.codes, s.ridge) if s.refit else found.codes

    def pursue(self, unit: torch.Tensor, rounds: int | None = None, path: str | None = None) -> Pursuit:
        """The pursuit alone, with its residual and without a refit."""
        return pursuit_along(self._route(path or self._chosen(unit)), unit, self._atoms, self._settings, rounds)

    def _route(self, name: str) -> Route | CompiledPursuit:
        if name not in self._routes:
            log.info("Coding with %d features on %s goes by %s", len(self._atoms), self._atoms.device, name)
            self._routes[name] = prepared(name, self._atoms, self._settings)
        return self._routes[name]

    def _chosen(self, unit: torch.Tensor) -> str:
        """The safe route, until so many tokens have come that a race pays, as with field after field of a plate."""
        if pays(len(unit), self._atoms, self._settings):
            return COMPILED
        self._seen += len(unit)
        if self._fastest is None and self._seen >= _RACE_FROM and len(unit) >= _TRIAL:
            self._fastest = fastest_route(unit, self._atoms, self._settings)
        return self._fastest or safe_route(self._atoms)


def prepared(name: str, atoms: torch.Tensor, settings: EncoderSettings) -> Route | CompiledPursuit:
    """The route of this name, or the compiled loops, made ready for these atoms."""
    if name == COMPILED:
        return CompiledPursuit(atoms, settings)
    return ROUTES[name](atoms, settings.selection == "magnitude")


def pursuit_along(
    route: Route | CompiledPursuit,
    unit: torch.Tensor,
    atoms: torch.Tensor,
    settings: EncoderSettings,
    rounds: int | None = None,
) -> Pursuit:
    """The pursuit that the settings describe, without a refit."""
    if isinstance(route, CompiledPursuit):
        return route.pursue(unit, rounds)
    return pursue(
        unit,
        atoms,
        rounds=rounds or settings.iterations,
        per_round=settings.per_iteration,
        magnitude=settings.selection == "magnitude",
        ridge=settings.ridge,
        route=route,
    )


def fastest_route(unit: torch.Tensor, atoms: torch.Tensor, settings: EncoderSettings, preparation: bool = False) -> str:
    """The route that codes some of the tokens in the least time, or the one that needs no race; it is logged.

    Parameters
    ----------
    unit, atoms : torch.Tensor
        ``(N, dim_w)`` tokens and ``(M, dim_w)`` atoms.
    settings : EncoderSettings
        Of the pursuit.
    preparation : bool
        Count the time to prepare the route as well, as one has to where the atoms change with every batch. There will
        be many batches of as many tokens.
    """
    if pays(len(unit), atoms, settings, calls=_BATCHES if preparation else 1):
        log.info("Pursuit of %s tokens on %s goes by compiled loops", tuple(unit.shape), unit.device)
        return COMPILED
    if safe_route(atoms) == "gram":  # a race could only lose by what else the machine does at the time
        log.info("Pursuit of %s tokens on %s goes by gram (few atoms)", tuple(unit.shape), unit.device)
        return "gram"
    unit = unit[:: max(len(unit) // _TRIAL, 1)] if not preparation else unit
    rounds = settings.iterations if preparation else min(4, settings.iterations)
    routes = {name: ROUTES[name] for name in possible_routes(atoms, settings.per_iteration)}
    ready = {name: make(atoms, settings.selection == "magnitude") for name, make in routes.items()}
    for route in ready.values():
        pursuit_along(route, unit, atoms, settings, 1)
    seconds = dict.fromkeys(routes, math.inf)
    for _ in range(_LAPS):  # in turns, and the best lap counts: a machine that is busy for a moment must not decide
        for name, make in routes.items():
            start = time.perf_counter()
            route = make(atoms, settings.selection == "magnitude") if preparation else ready[name]
            pursuit_along(route, unit, atoms, settings, rounds)
            if unit.device.type == "cuda":
                torch.cuda.synchronize(unit.device)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    best = min(seconds, key=seconds.__getitem__)
    timings = ", ".join(f"{name} {1e3 * s:.0f} ms" for name, s in seconds.items())
    log.info("Pursuit of %s tokens on %s goes by %s (%s)", tuple(unit.shape), unit.device, best, timings)
    return best
