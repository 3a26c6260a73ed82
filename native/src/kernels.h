/* The C side of picojoule: one processing pass, scans over tensors, descents on sums. Serves compiler and cffi alike.
 *
 * The caller allocates every array and checks every length; nothing here prints, exits, keeps state or calls back.
 * Every function returns a status: PJ_OK or what stopped it. */
#ifndef PICOJOULE_KERNELS_H
#define PICOJOULE_KERNELS_H

#include <stdint.h>

/* cdef begin */
enum { PJ_OK = 0, PJ_NO_MEMORY = 1, PJ_BAD_SHAPE = 2, PJ_DEADLOCK = 3 };

/* Everything that the timing of a pass depends on. Letters as in the papers: U = stride_y, V = stride_x. */
typedef struct {
    int32_t R, S, U, V;            /* filter rows, filter columns, vertical and horizontal stride */
    int32_t F, n, e;               /* ofmap columns, ifmaps, ofmap rows = columns of a PE set */
    int32_t p, q, r, t, g;         /* filters and channels in a PE; sets on channels, filters, groups */
    int32_t psum_in;               /* 1: psums of earlier channels come from the GLB */
    int32_t pipeline_stages;
    int32_t ifmap_spad_words, ifmap_fifo_words, psum_fifo_words;
    int32_t ifmap_beat_words, filter_beat_words, psum_in_beat_words, psum_out_beat_words;
} pj_shape;

/* Cycles of the pass, and PE-cycles of its mapped PEs in each state; these add up to cycles x mapped PEs. */
typedef struct {
    int64_t cycles, filter_cycles;
    int64_t active, filter_load, ifmap_wait, psum_in_wait, psum_out_wait, drain;
} pj_times;

/* Words that crossed each boundary, counted where they cross. `ifmap_sent` leaves padding out, the rest has it. */
typedef struct {
    int64_t ifmap_sent, ifmap_delivered, filter_sent, filter_delivered;
    int64_t psum_delivered, psum_hops, psum_collected;
} pj_traffic;

/* The values of one pass, all C-contiguous.
 * ifmap    [n][g][r*q][(e-1)*U + R][(F-1)*V + S], padding as zeros
 * filters  [g][t*p][r*q][R][S]
 * psum_in, psum_out  [n][g][t*p][e][F]; psum_in is not read if the shape says so
 * stored   rows [0], [1]) and columns [2], [3]) of the ifmap tile that are not padding
 * psum_bits  0: exact; else products are shifted right by product_shift and sums wrap to so many bits
 * mac_slots  [first of window][last][ifmap word is zero][filter word is zero], added to */
typedef struct {
    const int16_t *ifmap;
    const int16_t *filters;
    const int64_t *psum_in;
    int64_t *psum_out;
    int32_t stored[4];
    int32_t psum_bits, product_shift;
    int64_t mac_slots[16];
} pj_values;

/* What happens in each cycle of a part of a pass. counts [PJ_ROW_MACS + r*R][cycles], added to: words that cross each
 * boundary, as in pj_traffic (PJ_IFMAP_BUS has padding too), then MAC slots that each row of PEs issues, the row that takes
 * psums from the GLB first, over all set stacks. stored as in pj_values. */
enum { PJ_FILTER_SENT = 0, PJ_IFMAP_BUS = 1, PJ_IFMAP_SENT = 2, PJ_IFMAP_DELIVERED = 3, PJ_PSUM_DELIVERED = 4,
       PJ_PSUM_HOPS = 5, PJ_PSUM_COLLECTED = 6, PJ_ROW_MACS = 7 };
typedef struct {
    int64_t first, cycles; /* the part: cycles first..first + cycles - 1 of the pass */
    int32_t stored[4];
    int64_t *counts;
} pj_activity;

/* Plain stepper: every PE, FIFO and bus, one cycle after another, with values. */
int pj_step_pass(const pj_shape *shape, pj_values *values, pj_times *times, pj_traffic *traffic);

/* The same times by recurrence over events instead of cycles; no values. */
int pj_time_pass(const pj_shape *shape, pj_times *times);

/* As pj_time_pass, and what happens in each cycle of a part of the pass. */
int pj_trace_pass(const pj_shape *shape, pj_times *times, pj_activity *activity);

/* Run-length-coded size of `streams` streams: each is `segments` runs of `segment_words` words, `segment_stride` apart,
 * from words + starts[i]. Writes the pairs of each, the pad at the end not included. */
int pj_run_length_pairs(const int16_t *words, const int64_t *starts, int64_t streams, int64_t segments,
                        int64_t segment_stride, int64_t segment_words, int32_t longest_run, int64_t *pairs);

/* For each of `planes` planes [H][W] and each filter tap (i, s): non-zero words over the E x F positions that the tap
 * meets, padding counted as zero. Adds to positions[plane % channels][R][S]. */
int pj_nonzero_positions(const int16_t *words, int64_t planes, int64_t channels, const int32_t *geometry,
                         int64_t *positions);

/* The sums of a least-squares problem, and how it is descended: see pruning/conjugate_gradient.py.
 * xx [inputs][inputs] symmetric; factors [inputs][rank] and spread [inputs], above zero: about xx + damping I
 * An output is done when a step wins at most `enough` of its residual left, or of `least_left` of that before. */
typedef struct {
    const float *xx, *factors, *spread;
    int64_t inputs, rank;
    double damping, enough, least_left;
    int32_t most_steps;
} pj_sums;

/* For each output o: change = about (xx + damping I)^-1 wanted on the inputs kept[starts[o]..starts[o + 1] - 1], where
 * wanted and change have their words too; zero if that would raise the residual, which is residual[o] now. */
int pj_descend_supports(const pj_sums *problem, int64_t outputs, const int64_t *starts, const int32_t *kept,
                        const float *wanted, const double *residual, float *change);
/* cdef end */

#endif
