/* What the tensors' zeros cost and save, in one look at each word: coded sizes, and MACs with a zero operand. */
#include "pass_layout.h"

/* Pairs of (run, level): one for each non-zero word; a run beyond `longest_run` spends a pair whose level is the zero
 * after `longest_run` zeros; zeros at the end need pairs too. */
static int64_t pairs_of(const int16_t *words, int64_t segments, int64_t stride, int64_t length, int32_t longest) {
    int64_t pairs = 0, run = 0;
    for (int64_t segment = 0; segment < segments; segment++) {
        const int16_t *at = words + segment * stride;
        for (int64_t i = 0; i < length; i++) {
            const int ends = at[i] != 0 || run == longest;
            pairs += ends;
            run = ends ? 0 : run + 1;
        }
    }
    return pairs + (run > 0);
}

int pj_run_length_pairs(const int16_t *words, const int64_t *starts, int64_t streams, int64_t segments,
                        int64_t segment_stride, int64_t segment_words, int32_t longest_run, int64_t *pairs) {
    for (int64_t i = 0; i < streams; i++)
        pairs[i] = pairs_of(words + starts[i], segments, segment_stride, segment_words, longest_run);
    return PJ_OK;
}

/* Non-zero words of one ifmap row among the F that tap s meets: columns x*V + s - left, padding outside. */
static int64_t nonzero_in_row(const int16_t *row, int64_t W, int64_t F, int64_t V, int64_t from) {
    int64_t count = 0;
    const int64_t first = from < 0 ? pj_ceil_div(-from, V) : 0;
    for (int64_t x = first; x < F && x * V + from < W; x++) count += row[x * V + from] != 0;
    return count;
}

int pj_nonzero_positions(const int16_t *words, int64_t planes, int64_t channels, const int32_t *geometry,
                         int64_t *positions) {
    const int64_t H = geometry[0], W = geometry[1], R = geometry[2], S = geometry[3], U = geometry[4], V = geometry[5];
    const int64_t E = geometry[6], F = geometry[7], top = geometry[8], left = geometry[9];
    if (H < 1 || W < 1 || R < 1 || S < 1 || U < 1 || V < 1 || E < 1 || F < 1 || channels < 1 || top < 0 || left < 0)
        return PJ_BAD_SHAPE;
    for (int64_t plane = 0; plane < planes; plane++)
        for (int64_t y = 0; y < H; y++)
            for (int64_t s = 0; s < S; s++) {
                const int64_t count = nonzero_in_row(words + (plane * H + y) * W, W, F, V, s - left);
                /* Row y is met by filter row i of ofmap row j where j*U + i = y + top. */
                for (int64_t i = (y + top) % U; i < R && i <= y + top; i += U)
                    if ((y + top - i) / U < E) positions[((plane % channels) * R + i) * S + s] += count;
            }
    return PJ_OK;
}
