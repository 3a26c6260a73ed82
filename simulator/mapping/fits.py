"""Does a mapping fit its layer and its accelerator? One message for each rule, with the sum that breaks it."""

from simulator.errors import MappingError
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator, PooledSpad, SeparateSpads
from simulator.spec.layer import Layer

MACHINE_WORD_BITS = 16
"""Accelerator.word_bits, in which every store is given."""


def check_fits(mapping: RowStationaryMapping, layer: Layer, accelerator: Accelerator) -> None:
    """Raise MappingError, naming the first rule that the mapping breaks."""
    _check_layer(mapping, layer)
    _check_array(mapping, layer, accelerator)
    if isinstance(accelerator.pe.spads, PooledSpad):
        _check_pooled_spad(mapping, layer, accelerator.pe.spads)
    else:
        _check_spads(mapping, layer, accelerator.pe.spads)
    _check_buffers(mapping, layer, accelerator)


def ifmap_tile_words(mapping: RowStationaryMapping, layer: Layer) -> int:
    """GLB words allocated for the ifmap tile of a pass, padding included: n*g*q*r*((e-1)U + R)*W."""
    rows = (mapping.e - 1) * layer.U + layer.R
    return mapping.n * mapping.g * mapping.q * mapping.r * rows * layer.padded_width


def psum_tile_words(mapping: RowStationaryMapping, layer: Layer) -> int:
    """GLB words allocated for psums while their channels come in: n*g*m*e*F."""
    return mapping.n * mapping.g * mapping.m * mapping.e * layer.F


def banks_taken(mapping: RowStationaryMapping, layer: Layer, accelerator: Accelerator) -> tuple[int, int]:
    """GLB banks that hold ifmaps, and those that hold psums: each bank holds words of one kind at one time."""
    words = accelerator.glb.bank_words
    ifmap_bank, psum_bank = words_held(words, layer.ifmap_bits), words_held(words, layer.psum_bits)
    return -(-ifmap_tile_words(mapping, layer) // ifmap_bank), -(-psum_tile_words(mapping, layer) // psum_bank)


def pass_filter_words(mapping: RowStationaryMapping, layer: Layer) -> int:
    """Filter words of a pass: g*p*t*q*r*R*S."""
    return mapping.g * mapping.p * mapping.t * mapping.q * mapping.r * layer.R * layer.S


def words_held(words: int, word_bits: int) -> int:
    """Words of so many bits that a store of so many machine words holds."""
    return words * MACHINE_WORD_BITS // word_bits


def _check_layer(mapping: RowStationaryMapping, layer: Layer) -> None:
    filters, channels = layer.M // layer.G, layer.C // layer.G
    bounds = (
        ("m", mapping.m, filters, "filters in a group"),
        ("n", mapping.n, layer.N, "images"),
        ("e", mapping.e, layer.E, "ofmap rows"),
        ("p*t", mapping.p * mapping.t, mapping.m, "filters kept in the GLB (m)"),
        ("q*r", mapping.q * mapping.r, channels, "channels in a group"),
        ("g", mapping.g, layer.G, "groups"),
    )
    for name, value, most, what in bounds:
        if value > most:
            raise MappingError(f"{layer.name}: {name} = {value} is more than the layer's {most} {what}; lower {name}")


def _check_array(mapping: RowStationaryMapping, layer: Layer, accelerator: Accelerator) -> None:
    rows, columns = accelerator.pe_array.rows, accelerator.pe_array.columns
    height, sets = mapping.r * layer.R, mapping.t * mapping.g
    if height > rows:
        raise MappingError(f"{layer.name}: r*R = {height} PE rows exceed the array's {rows}; lower r")
    fit = sets_that_fit(mapping.e, height, rows, columns)
    if sets > fit:
        raise MappingError(
            f"{layer.name}: t*g = {sets} stacks of {height} x {mapping.e} PEs do not fit the {rows} x {columns} array, "
            f"where {fit} fit; lower t, g, r or e"
        )


def sets_that_fit(e: int, height: int, rows: int, columns: int) -> int:
    """Stacks of `height` rows and `e` columns that an array holds; one wider than the array is cut into segments."""
    segments = -(-e // columns)
    return (rows // height) * (columns // e) if segments == 1 else (rows // height) // segments


def _check_spads(mapping: RowStationaryMapping, layer: Layer, spads: SeparateSpads) -> None:
    p, window = mapping.p, mapping.q * layer.S
    ifmap_words = words_held(spads.ifmap_words, layer.ifmap_bits)
    filter_words = words_held(spads.filter_words, layer.filter_bits)
    psum_words = words_held(spads.psum_words, layer.psum_bits)
    rules = (
        ("q*S", window, "ifmap words", ifmap_words, "ifmap spad", "lower q"),
        ("p*q*S", p * window, "filter words", filter_words, "filter spad", "lower p or q"),
        ("p", p, "psums", psum_words, "psum spad", "lower p"),
    )
    for name, words, what, most, spad, remedy in rules:
        if words > most:
            raise MappingError(f"{layer.name}: {name} = {words} {what} exceed the {most}-word {spad}; {remedy}")


def _check_pooled_spad(mapping: RowStationaryMapping, layer: Layer, spad: PooledSpad) -> None:
    """One store for words of three widths: its room is in bits, unless they are all alike."""
    p, window = mapping.p, mapping.q * layer.S
    filter_bits, ifmap_bits, psum_bits = layer.filter_bits, layer.ifmap_bits, layer.psum_bits
    if filter_bits == ifmap_bits == psum_bits:
        words, most = p * window + window + p, words_held(spad.words, ifmap_bits)
        if words > most:
            raise MappingError(
                f"{layer.name}: p*q*S + q*S + p = {words} words exceed the {most}-word spad; lower p or q"
            )
        return
    bits, most = p * window * filter_bits + window * ifmap_bits + p * psum_bits, spad.words * MACHINE_WORD_BITS
    if bits > most:
        raise MappingError(
            f"{layer.name}: p*q*S*{filter_bits} + q*S*{ifmap_bits} + p*{psum_bits} = {bits} bits exceed the "
            f"{most}-bit spad; lower p or q"
        )


def _check_buffers(mapping: RowStationaryMapping, layer: Layer, accelerator: Accelerator) -> None:
    glb = accelerator.glb
    filters, most = pass_filter_words(mapping, layer), words_held(glb.filter_buffer_words, layer.filter_bits)
    if filters > most:
        raise MappingError(
            f"{layer.name}: g*p*t*q*r*R*S = {filters} filter words of a pass exceed the {most}-word filter buffer; "
            "lower p, t, q or r"
        )
    ifmap_words, psum_words = ifmap_tile_words(mapping, layer), psum_tile_words(mapping, layer)
    ifmap_banks, psum_banks = banks_taken(mapping, layer, accelerator)
    if ifmap_banks + psum_banks > glb.banks:
        raise MappingError(
            f"{layer.name}: {ifmap_banks} ifmap banks (n*g*q*r*((e-1)*U+R)*W = {ifmap_words} words) and "
            f"{psum_banks} psum banks (n*g*m*e*F = {psum_words} words) exceed the GLB's {glb.banks}; lower n, m or e"
        )
