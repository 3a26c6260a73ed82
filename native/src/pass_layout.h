/* Where the PEs of a pass are, and the order in which the buses serve them: shared by the stepper and the recurrence.
 *
 * A column of PEs is one ofmap row of one set stack. Psums go up, and filter row 0 is at the top of its set: position 0, at
 * the bottom, takes psums from the GLB and position r*R - 1 gives them back. Position = (set on channels) * R + R - 1 -
 * filter row. Columns are numbered ((group * t) + set on filters) * e + ofmap row.
 *
 * Ifmap words come by image, by window, by ifmap row, by group, by set on channels, then tap by tap with the q channels of
 * each tap together; psums by image, by window, by ofmap row, by group, by set on filters, then filter by filter. */
#ifndef PICOJOULE_PASS_LAYOUT_H
#define PICOJOULE_PASS_LAYOUT_H

#include "kernels.h"

static inline int64_t pj_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pj_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t pj_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

typedef struct {
    int64_t chain;         /* PEs in a column: r*R */
    int64_t columns;       /* g*t*e */
    int64_t pes;
    int64_t window_words;  /* q*S, the ifmap words of one window */
    int64_t step_words;    /* new ones in each window but an image's first: q*min(S, V) */
    int64_t image_words;   /* all that a PE takes of one image */
    int64_t tile_rows, tile_columns;
    int64_t filter_cycles;
} pj_layout;

enum { PJ_MOST_PES = 1 << 20 }; /* 1024 x 1024, the largest array that an accelerator file may have */

/* Sizes with which no later product, of PEs and what each of them holds, leaves 64 bits. */
static inline int pj_shape_is_bounded(const pj_shape *a) {
    const int64_t chain = (int64_t)a->r * a->R, stacks = (int64_t)a->g * a->t;
    return chain <= PJ_MOST_PES && stacks <= PJ_MOST_PES && stacks * a->e <= PJ_MOST_PES / chain &&
           (int64_t)a->q * a->S * a->p <= INT32_MAX;
}

static inline int pj_shape_is_valid(const pj_shape *a) {
    const int64_t window_words = (int64_t)a->q * a->S;
    return a->R > 0 && a->S > 0 && a->U > 0 && a->V > 0 && a->F > 0 && a->n > 0 && a->e > 0 && a->p > 0 && a->q > 0 &&
           a->r > 0 && a->t > 0 && a->g > 0 && a->pipeline_stages > 0 && a->ifmap_beat_words > 0 &&
           a->filter_beat_words > 0 && a->psum_in_beat_words > 0 && a->psum_out_beat_words > 0 &&
           a->ifmap_spad_words >= window_words && a->ifmap_fifo_words >= a->ifmap_beat_words &&
           a->psum_fifo_words >= a->psum_in_beat_words && a->psum_fifo_words >= a->psum_out_beat_words &&
           pj_shape_is_bounded(a);
}

static inline pj_layout pj_layout_of(const pj_shape *a) {
    pj_layout b;
    b.chain = (int64_t)a->r * a->R;
    b.columns = (int64_t)a->g * a->t * a->e;
    b.pes = b.chain * b.columns;
    b.window_words = (int64_t)a->q * a->S;
    b.step_words = (int64_t)a->q * pj_min(a->S, a->V);
    b.image_words = b.window_words + (a->F - 1) * b.step_words;
    b.tile_rows = (int64_t)(a->e - 1) * a->U + a->R;
    b.tile_columns = (int64_t)(a->F - 1) * a->V + a->S;
    /* Each row of a set takes its own filters, the same for all PEs of the row; a beat serves one row. */
    b.filter_cycles = b.chain * a->g * a->t * pj_ceil_div(a->p * b.window_words, a->filter_beat_words);
    return b;
}

/* The first and last columns of a set whose PEs lie on the diagonal of ifmap row y: those with 0 <= y - j*U < R. */
static inline int64_t pj_first_column(const pj_shape *a, int64_t y) {
    return y < a->R ? 0 : (y - a->R) / a->U + 1;
}
/* Position in column j of the PE that takes ifmap row y, in a set on channels. */
static inline int64_t pj_position(const pj_shape *a, int64_t set, int64_t y, int64_t j) {
    return set * a->R + a->R - 1 - (y - j * a->U);
}
static inline int64_t pj_last_column(const pj_shape *a, int64_t y) { return pj_min(y / a->U, a->e - 1); }

#endif
