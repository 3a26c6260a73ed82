"""Does only the room that a pass can fill matter to its times?"""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from native.pe_array import PassShape, time_pass
from simulator.hardware.pe_array import without_idle_room
from simulator.run import simulate
from simulator.spec.load import accelerator_text, parse_accelerator
from tests.strategies import pass_shapes

rooms = st.integers(0, 60)


@settings(max_examples=300, deadline=None)
@given(pass_shapes(), rooms, rooms, rooms)
def test_room_that_no_word_can_fill_changes_nothing(shape: PassShape, spad: int, ifmap: int, psum: int) -> None:
    roomy = replace(
        shape,
        ifmap_spad_words=shape.ifmap_spad_words + spad,
        ifmap_fifo_words=shape.ifmap_fifo_words + ifmap,
        psum_fifo_words=shape.psum_fifo_words + psum,
    )
    assert time_pass(without_idle_room(roomy)) == time_pass(roomy)


def test_a_machine_without_limits_is_one_with_enough() -> None:
    """Depths of 2**31 - 1 words, which no memory would hold."""
    text = accelerator_text("eyeriss-v1")
    for depth in ("ifmap_fifo_words = 4\n", "psum_fifo_words = 24\n", "ifmap_words = 12\n"):
        text = text.replace(f"\n{depth}", f"\n{depth.split('=')[0]}= 2147483647\n")
    boundless = parse_accelerator(text, where="boundless")
    assert boundless.pe.ifmap_fifo_words == boundless.pe.psum_fifo_words == 2147483647
    result = simulate("alexnet", accelerator=boundless, layers=["CONV5"], mapping=None)
    assert 0 < result.layers[0].processing_cycles
