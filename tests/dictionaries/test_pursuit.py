from __future__ import annotations

import itertools
import resource
import sys
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import make_world

from napari_lexicon import dictionaries
from napari_lexicon.dictionaries import compiled
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.compiled import COMPILED
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.nomination import ROUTES, Direct, possible_routes, safe_route
from napari_lexicon.dictionaries.pursuit import pursue, refitted
from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder, fastest_route
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.errors import DictionaryError


def as_printed(token: np.ndarray, atoms: np.ndarray, rounds: int, per_round: int) -> tuple[list[int], list[float]]:
    """Algorithm 1 of the paper, one token at a time, in float64 with numpy's least squares."""
    residual = token.astype(np.float64).copy()
    atoms = atoms.astype(np.float64)
    indices: list[int] = []
    values: list[float] = []
    for _ in range(rounds):
        chosen = np.argsort(-(atoms @ residual), kind="stable")[:per_round]
        solved, *_ = np.linalg.lstsq(atoms[chosen].T, residual, rcond=None)
        residual -= solved @ atoms[chosen]
        indices += chosen.tolist()
        values += solved.tolist()
    return indices, values


def random_case(tokens: int = 64, dim: int = 24, atoms: int = 120, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return (
        F.normalize(torch.randn(tokens, dim, generator=draw), dim=1),
        F.normalize(torch.randn(atoms, dim, generator=draw), dim=1),
    )


def rebuilt(codes: Codes, atoms: torch.Tensor) -> torch.Tensor:
    return F.embedding_bag(codes.indices, atoms, per_sample_weights=codes.values, mode="sum")


@pytest.mark.parametrize("path", ["direct", "gram", "compiled"])
@pytest.mark.parametrize(("rounds", "per_round"), [(1, 1), (6, 1), (4, 3), (5, 5)])
def test_codes_are_those_of_the_algorithm_as_printed(path: str, rounds: int, per_round: int) -> None:
    tokens, atoms = random_case()
    codes = PursuitEncoder(EncoderSettings(iterations=rounds, per_iteration=per_round), atoms).encode(tokens, path=path)
    for row, token in enumerate(tokens):
        indices, values = as_printed(token.numpy(), atoms.numpy(), rounds, per_round)
        assert codes.indices[row].tolist() == indices
        assert np.allclose(codes.values[row], values, atol=1e-4)


@pytest.fixture(scope="module")
def trained() -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and the atoms of a dictionary trained on them."""
    world = make_world(dim=48, atoms=400, tokens=6000, active=6)
    settings = TrainSettings(features=1536, iterations=4, per_iteration=3, steps=40, batch=512, evaluate_every=40)
    result = train_dictionary(settings, ArrayTokens(world.tokens), world.whitening())
    return result.dictionary.prepared(world.tokens[:400])[0], result.dictionary.atoms


def assert_same(settings: EncoderSettings, tokens: torch.Tensor, atoms: torch.Tensor, within: float = 1e-4) -> None:
    """All routes and the compiled loops give the codes of the plain formulation: score all atoms, rank all atoms."""
    assert {"direct", "gram", "bfloat16"} == set(possible_routes(atoms, settings.per_iteration))
    encoder = PursuitEncoder(settings, atoms)
    by_route = {path: encoder.encode(tokens, path=path) for path in ROUTES}
    for codes in by_route.values():
        assert torch.equal(codes.indices, by_route["direct"].indices)
        assert torch.equal(codes.values, by_route["direct"].values)
    plain = plainly(tokens, atoms, settings)
    for ours in (by_route["bfloat16"], encoder.encode(tokens, path=COMPILED)):
        same = (plain.indices.sort(dim=1).values == ours.indices.sort(dim=1).values).all(dim=1)
        assert float(same.float().mean()) > 0.98  # where two scores differ by the last bit, either choice is right
        one, other = (torch.zeros(len(tokens), len(atoms)).scatter_add(1, c.indices, c.values) for c in (plain, ours))
        scale = one.abs().amax(dim=1, keepdim=True).clamp_min(1)
        assert float(((one - other) / scale)[same].abs().max()) < within


def plainly(tokens: torch.Tensor, atoms: torch.Tensor, settings: EncoderSettings) -> Codes:
    residual, indices, values = tokens.clone(), [], []
    for _ in range(settings.iterations):
        scores = residual @ atoms.T
        chosen = (scores.abs() if settings.selection == "magnitude" else scores).topk(settings.per_iteration).indices
        rows = atoms[chosen]
        squares = rows @ rows.mT + settings.ridge * torch.eye(settings.per_iteration)
        solved = torch.linalg.solve(squares, rows @ residual.unsqueeze(2)).squeeze(2)
        residual = residual - (solved.unsqueeze(1) @ rows).squeeze(1)
        indices.append(chosen)
        values.append(solved)
    return Codes(torch.cat(indices, dim=1), torch.cat(values, dim=1))


@pytest.mark.parametrize("selection", ["signed", "magnitude"])
@pytest.mark.parametrize(("rounds", "per_round"), [(12, 1), (10, 3), (8, 5)])
def test_all_routes_agree_on_a_trained_dictionary(trained, selection: str, rounds: int, per_round: int) -> None:
    assert_same(EncoderSettings(iterations=rounds, per_iteration=per_round, selection=selection), *trained)


@pytest.mark.parametrize(("closeness", "within"), [(0.3, 1e-4), (1e-2, 1e-3)])  # a pair of cosine 0.999 is ill-posed
def test_all_routes_agree_on_near_duplicate_atoms(closeness: float, within: float) -> None:
    tokens, atoms = random_case(tokens=300, atoms=700)
    draw = torch.Generator().manual_seed(1)
    doubled = torch.cat([atoms, F.normalize(atoms + closeness * torch.randn(atoms.shape, generator=draw), dim=1)])
    assert_same(EncoderSettings(iterations=6, per_iteration=4), tokens, doubled, within)


@pytest.mark.parametrize("selection", ["signed", "magnitude"])
@pytest.mark.parametrize(
    ("atoms", "per_round"), [(1, 1), (5, 5), (6, 2), (60, 2), (256, 2), (255, 5), (1024, 2), (1030, 3), (1500, 1)]
)
def test_all_routes_agree_in_small_dictionaries(atoms: int, per_round: int, selection: str) -> None:
    tokens, own = random_case(tokens=300, atoms=atoms, seed=atoms)
    settings = EncoderSettings(iterations=4, per_iteration=per_round, selection=selection)
    encoder = PursuitEncoder(settings, own)
    by_route = [encoder.encode(tokens, path=path) for path in possible_routes(own, per_round)]
    assert len(by_route) >= 2
    for codes in by_route:
        assert torch.equal(codes.indices, by_route[0].indices)
        assert torch.equal(codes.values, by_route[0].values)
    plain = plainly(tokens, own, settings)
    for codes in (by_route[0], encoder.encode(tokens, path=COMPILED)):
        if atoms < 4 * per_round:  # soon nothing is left, and any choice among scores of 0 is right
            continue
        same = (codes.indices == plain.indices).all(dim=1)
        assert float(same.float().mean()) > 0.98
        assert torch.allclose(codes.values[same], plain.values[same], atol=1e-4)


@pytest.mark.parametrize("selection", ["signed", "magnitude"])
@pytest.mark.parametrize(("atoms", "per_round"), [(1040, 60), (1040, 65), (1040, 1024)])
def test_as_many_picks_in_a_round_as_there_are_groups_of_atoms(atoms: int, per_round: int, selection: str) -> None:
    tokens, own = random_case(tokens=20, atoms=atoms)
    settings = EncoderSettings(iterations=1, per_iteration=per_round, selection=selection)
    encoder = PursuitEncoder(settings, own)
    scores = tokens @ own.T
    best = (scores.abs() if selection == "magnitude" else scores).topk(per_round).indices.sort(dim=1).values
    for path in possible_routes(own, per_round):
        codes = encoder.encode(tokens, path=path)
        same = (codes.indices.sort(dim=1).values == best).all(dim=1)
        assert float(same.float().mean()) > 0.98
        assert bool(torch.isfinite(codes.values).all())


def test_more_near_duplicates_than_are_shortlisted_are_settled_exactly() -> None:
    draw = torch.Generator().manual_seed(5)
    tokens, atoms = random_case(tokens=200, atoms=40)
    crowd = F.normalize(atoms.repeat(30, 1) + 1e-6 * torch.randn(1200, atoms.shape[1], generator=draw), dim=1)
    for own in (crowd, crowd[:400]):  # ranked in groups, and without
        encoder = PursuitEncoder(EncoderSettings(iterations=1, per_iteration=2), own)
        exact = (tokens.double() @ own.double().T).topk(2, dim=1).values
        for path in (*possible_routes(own, 2), COMPILED):
            chosen = encoder.encode(tokens, path=path).indices
            found = (tokens.double().unsqueeze(1) * own.double()[chosen]).sum(dim=2)
            assert torch.allclose(found, exact, atol=2e-7)  # any of the crowd that float32 cannot tell from the best


def adversaries() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Inputs that are hard on a shortcut."""
    draw = torch.Generator().manual_seed(3)
    tokens, atoms = random_case(tokens=200, dim=32, atoms=1500, seed=3)
    shared = F.normalize(torch.rand(1, 32, generator=draw) + 1, dim=1)
    bits = F.normalize((torch.rand(1500, 32, generator=draw) > 0.5).float() - 0.5, dim=1)
    return {
        # all scores nearly equal, far below what bfloat16 resolves
        "one cone": (F.normalize(shared + 1e-3 * tokens, dim=1), F.normalize(shared + 1e-2 * atoms, dim=1)),
        # every score negative
        "turned away": (-shared.repeat(50, 1), F.normalize(shared + 0.1 * atoms, dim=1)),
        # the rounding errors of all coordinates add up, and scores come in few sizes
        "aligned rounding": (F.normalize(bits[:200] * (1 + 2**-9), dim=1), bits),
        "atoms themselves": (atoms[:200], atoms),
        "nothing": (torch.zeros(70, 32), atoms),
        "tiny": (tokens * 1e-20, atoms),
        # a number of atoms that is no multiple of anything
        "odd number": (tokens, atoms[:1301]),
    }


@pytest.mark.parametrize("name", list(adversaries()))
def test_all_routes_agree_on_adversarial_inputs(name: str) -> None:
    tokens, atoms = adversaries()[name]
    encoder = PursuitEncoder(EncoderSettings(iterations=3, per_iteration=2), atoms)
    direct = encoder.encode(tokens, path="direct")
    for path in ("gram", "bfloat16", COMPILED):
        codes = encoder.encode(tokens, path=path)
        first = (tokens.double().unsqueeze(1) * atoms.double()[codes.indices[:, :2]]).sum(dim=2)
        best = (tokens.double() @ atoms.double().T).topk(2).values
        assert torch.allclose(first, best, atol=2e-7)
        # where many scores are equal, any choice is right; compiled loops may also differ in what is left by rounding
        tied = name in ("nothing", "aligned rounding", "one cone") or (name == "turned away" and path == COMPILED)
        clear = direct.values.abs() > (1e-5 * tokens.norm(dim=1, keepdim=True) if path == COMPILED else -1)
        if not tied:
            assert torch.equal(codes.indices[clear], direct.indices[clear])
        if not tied or path != COMPILED:
            errors = [(tokens - rebuilt(c, atoms)).norm(dim=1) for c in (direct, codes)]
            assert torch.allclose(*errors, atol=1e-5)


def test_the_number_of_threads_leaves_no_trace() -> None:
    tokens, atoms = random_case(tokens=3000, atoms=1400)
    found, by_loops = [], []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        encoder = PursuitEncoder(EncoderSettings(iterations=3, per_iteration=2), atoms)
        found += [encoder.encode(tokens, path=path) for path in ROUTES]
        by_loops.append(encoder.encode(tokens, path=COMPILED))
        assert torch.get_num_threads() == threads
    for codes, first in ((codes, alike[0]) for alike in (found, by_loops) for codes in alike):
        assert torch.equal(codes.indices, first.indices)
        assert torch.equal(codes.values, first.values)


@pytest.fixture
def without_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a graphics card, or without numba."""
    monkeypatch.setattr(compiled, "_loops", lambda: None)


def test_the_route_is_chosen_by_a_timing_that_is_logged(caplog, without_loops) -> None:
    tokens, atoms = random_case(tokens=9000, atoms=1400)
    with caplog.at_level("INFO"):
        PursuitEncoder(EncoderSettings(iterations=2, per_iteration=2), atoms).encode(tokens)
    for route in ("direct", "gram", "bfloat16"):
        assert route in caplog.text
    assert "ms" in caplog.text


def test_the_route_is_chosen_when_tokens_come_a_field_at_a_time(caplog, without_loops) -> None:
    tokens, atoms = random_case(tokens=3000, atoms=1400)
    encoder = PursuitEncoder(EncoderSettings(iterations=2, per_iteration=2), atoms)
    with caplog.at_level("INFO"):
        found = [encoder.encode(tokens) for _ in range(2)]
        assert "Pursuit of" not in caplog.text  # few tokens are coded sooner than a race is run
        found.append(encoder.encode(tokens))
        assert "Pursuit of" in caplog.text
    assert torch.equal(found[0].indices, found[2].indices)
    assert torch.equal(found[0].values, found[2].values)


@pytest.mark.parametrize(
    ("tokens", "atoms", "per_round", "expected"),
    [(4000, 300, 2, True), (4000, 300, 17, False), (500, 300, 2, False), (1000, 9000, 2, False)],
)
def test_compiled_loops_code_where_they_pay_and_say_so(
    tokens: int, atoms: int, per_round: int, expected: bool, caplog
) -> None:
    unit, own = random_case(tokens=tokens, atoms=atoms)
    settings = EncoderSettings(iterations=2, per_iteration=per_round)
    assert compiled.pays(tokens, own, settings) is expected
    assert not compiled.pays(tokens, own.double(), settings)
    with caplog.at_level("INFO"):
        fastest = fastest_route(unit[:100], own, settings, preparation=True)
    assert (fastest == COMPILED) == (atoms <= 800 and per_round <= 16)
    assert ("compiled" in caplog.text) == (fastest == COMPILED)
    caplog.clear()
    with caplog.at_level("INFO"):
        PursuitEncoder(settings, own).encode(unit, rounds=1)
    assert ("compiled" in caplog.text) == expected


def test_without_numba_one_line_says_why_pursuits_are_slower(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    tokens, atoms = random_case(tokens=4000, atoms=300)
    settings = EncoderSettings(iterations=4, per_iteration=2)
    fast = PursuitEncoder(settings, atoms).encode(tokens)
    compiled._loops.cache_clear()
    monkeypatch.setitem(sys.modules, "napari_lexicon.dictionaries.loops", None)
    monkeypatch.delattr(dictionaries, "loops")
    try:
        with caplog.at_level("WARNING"):
            slow = PursuitEncoder(settings, atoms).encode(tokens)
            PursuitEncoder(settings, atoms).encode(tokens)
        assert caplog.text.count("numba") == 1
    finally:
        compiled._loops.cache_clear()
    same = (fast.indices == slow.indices).all(dim=1)
    assert float(same.float().mean()) > 0.99
    assert torch.allclose(fast.values[same], slow.values[same], atol=1e-5)


def test_loops_are_compiled_where_nothing_may_be_written() -> None:
    from napari_lexicon.dictionaries import loops

    made: dict[str, Any] = {}
    exec(compile("def one_more(n):\n    return n + 1", "/nowhere/module.py", "exec"), made)  # numba finds no place
    assert loops._compiled(made["one_more"])(2) == 3


def test_loops_that_cannot_be_used_are_refused_in_a_sentence() -> None:
    tokens, atoms = random_case()
    with pytest.raises(DictionaryError, match="17 picks per round among 120 features"):
        PursuitEncoder(EncoderSettings(iterations=2, per_iteration=17), atoms).encode(tokens, path=COMPILED)


def test_a_small_dictionary_goes_by_its_gram_matrix_without_a_race(caplog) -> None:
    tokens, atoms = random_case(atoms=256)
    assert safe_route(atoms) == "gram"
    with caplog.at_level("INFO"):  # few tokens, so without compiled loops
        assert fastest_route(tokens, atoms, EncoderSettings(iterations=2, per_iteration=2)) == "gram"
    assert "gram" in caplog.text
    assert safe_route(random_case(atoms=4096)[1]) == "direct"


def test_tokens_that_are_no_numbers_do_not_disturb_others() -> None:
    tokens, atoms = random_case(tokens=90, atoms=1203)
    broken = tokens.clone()
    broken[3], broken[50] = torch.nan, torch.inf
    well = torch.ones(90, dtype=torch.bool)
    well[[3, 50]] = False
    encoder = PursuitEncoder(EncoderSettings(iterations=3, per_iteration=2), atoms)
    for path in (*ROUTES, COMPILED):
        expected, codes = encoder.encode(tokens, path=path), encoder.encode(broken, path=path)
        assert torch.equal(codes.indices[well], expected.indices[well])
        assert torch.equal(codes.values[well], expected.values[well])
        assert int(codes.indices.max()) < 1203


def test_no_matrix_of_tokens_by_features_is_kept() -> None:
    tokens, atoms = random_case(tokens=40_000, atoms=2048)
    encoder = PursuitEncoder(EncoderSettings(iterations=2, per_iteration=2), atoms)
    for path in ("bfloat16", COMPILED):
        encoder.encode(tokens[:2000], path=path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    encoder.encode(tokens, path="bfloat16")
    encoder.encode(tokens, path="direct")
    encoder.encode(tokens, path=COMPILED)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kB; tokens by features would be 330 MB


def test_identical_atoms_share_the_value_and_nothing_blows_up() -> None:
    tokens, atoms = random_case(atoms=30)
    twice = torch.cat([atoms, atoms])
    for path in ("direct", COMPILED):
        codes = PursuitEncoder(EncoderSettings(iterations=5, per_iteration=4), twice).encode(tokens, path=path)
        assert float(codes.values.abs().max()) < 2
        assert float((tokens - rebuilt(codes, twice)).norm(dim=1).max()) < 1


def test_reconstruction_error_never_rises_with_rounds() -> None:
    tokens, atoms = random_case(tokens=200)
    codes = pursue(tokens, atoms, rounds=10, per_round=3).codes
    errors = [(tokens - rebuilt(codes.head(3 * j), atoms)).norm(dim=1) for j in range(1, 11)]
    for before, after in itertools.pairwise(errors):
        assert bool((after <= before + 1e-6).all())


@pytest.mark.parametrize("count", [64, 3000])  # without compiled loops, and with them
def test_fewer_rounds_are_a_prefix_of_the_same_pursuit(count: int) -> None:
    tokens, atoms = random_case(tokens=count)
    encoder = PursuitEncoder(EncoderSettings(iterations=8, per_iteration=2), atoms)
    full, short = encoder.encode(tokens), encoder.encode(tokens, rounds=3)
    assert torch.equal(short.indices, full.indices[:, :6])
    assert torch.equal(short.values, full.values[:, :6])


def test_the_codes_of_an_atom_are_that_atom() -> None:
    _, atoms = random_case()
    codes = pursue(atoms, atoms, rounds=3, per_round=3).codes.merged()
    assert torch.equal(codes.indices[:, 0], torch.arange(len(atoms)))
    assert torch.allclose(codes.values[:, 0], torch.ones(len(atoms)), atol=1e-4)
    assert float(codes.values[:, 1:].abs().max()) < 1e-4


def test_the_residual_is_what_the_codes_leave() -> None:
    tokens, atoms = random_case()
    found = pursue(tokens, atoms, rounds=5, per_round=4)
    assert torch.allclose(found.residual, tokens - rebuilt(found.codes, atoms), atol=1e-5)


def test_blocks_do_not_change_codes() -> None:
    tokens, atoms = random_case(tokens=100)
    whole = pursue(tokens, atoms, rounds=4, per_round=3)
    route = Direct(atoms, False)
    route.block = 7
    blocks = pursue(tokens, atoms, rounds=4, per_round=3, route=route)
    assert torch.equal(whole.indices, blocks.indices)
    assert torch.equal(whole.values, blocks.values)


def test_selection_by_magnitude_also_takes_opposite_directions() -> None:
    _, atoms = random_case()
    signed = pursue(-atoms[:5], atoms, rounds=1, per_round=1).codes
    magnitude = pursue(-atoms[:5], atoms, rounds=1, per_round=1, magnitude=True).codes
    assert magnitude.indices.flatten().tolist() == [0, 1, 2, 3, 4]
    assert torch.allclose(magnitude.values, -torch.ones(5, 1), atol=1e-4)
    assert signed.indices.flatten().tolist() != [0, 1, 2, 3, 4]


def test_refit_is_the_least_squares_solution_on_the_support() -> None:
    tokens, atoms = random_case()
    codes = pursue(tokens, atoms, rounds=6, per_round=2).codes
    refit = refitted(tokens, atoms, codes)
    for row in range(len(tokens)):
        support = torch.unique(codes.indices[row])
        best, *_ = np.linalg.lstsq(atoms[support].T.double().numpy(), tokens[row].double().numpy(), rcond=None)
        expected = torch.zeros(len(atoms), dtype=torch.float64).index_put((support,), torch.from_numpy(best))
        mine = torch.zeros(len(atoms)).index_add(0, refit.indices[row], refit.values[row])
        assert torch.allclose(mine.double(), expected, atol=1e-3)
    before, after = (tokens - rebuilt(codes, atoms)).norm(), (tokens - rebuilt(refit, atoms)).norm()
    assert float(after) < float(before)


def test_a_zero_token_has_zero_codes() -> None:
    _, atoms = random_case()
    codes = pursue(torch.zeros(2, atoms.shape[1]), atoms, rounds=3, per_round=2).codes
    assert float(codes.values.abs().max()) == 0


def test_more_rounds_than_trained_are_refused() -> None:
    tokens, atoms = random_case()
    with pytest.raises(DictionaryError, match="1 to 4"):
        PursuitEncoder(EncoderSettings(iterations=4, per_iteration=2), atoms).encode(tokens, rounds=5)
