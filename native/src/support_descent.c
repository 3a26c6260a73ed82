/* Least squares on each output's own support, by preconditioned conjugate gradients on the sums of that support alone.
 *
 * The sums X'X are of all inputs and do not fit a cache; those of one support are gathered once, the lower half only,
 * and every step reads them from there. A sum has a fixed order, in source, so that every machine without a fused
 * multiply-add, and every number of threads, finds the same bits. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4 }; /* rows gathered and multiplied together; also the partial sums of a dot product */

/* Before a loop over partial sums: gcc would write it out, and then finds no vectors in it, at a third of the speed. */
#if defined(__GNUC__) && !defined(__clang__)
#define AS_VECTOR _Pragma("GCC unroll 1")
#else
#define AS_VECTOR
#endif

/* What one output needs, for supports of up to so many inputs; `most` is a multiple of BLOCK. */
typedef struct {
    int64_t most;
    float *sums, *direction, *slope, *strong; /* lower half in blocks of rows; [most]; [most]; [most][rank] */
    double *found, *rest, *ahead;             /* [most] */
    double *inner, *mixed;                    /* [rank][rank], its lower half; [rank] */
} bench;

static int64_t padded(int64_t count) {
    return (count + BLOCK - 1) / BLOCK * BLOCK;
}

/* Words before the rows of a block: BLOCK rows as long as the diagonal allows, for each block before it. */
static int64_t block_start(int64_t block) {
    return BLOCK * BLOCK * (block * (block + 1) / 2);
}

static int bench_of(bench *at, int64_t most, int64_t rank) {
    const size_t words = (size_t)most, factors = (size_t)rank;
    at->most = most;
    at->sums = calloc((size_t)block_start(most / BLOCK) + words * (2 + factors) + 1, sizeof(float));
    at->found = calloc(words * 3 + factors * (factors + 1) + 1, sizeof(double));
    if (!at->sums || !at->found) return PJ_NO_MEMORY;
    at->direction = at->sums + block_start(most / BLOCK);
    at->slope = at->direction + most;
    at->strong = at->slope + most;
    at->rest = at->found + most;
    at->ahead = at->rest + most;
    at->inner = at->ahead + most;
    at->mixed = at->inner + rank * rank;
    return PJ_OK;
}

/* The support's part of X'X, rows beyond it zero. */
static void gather(const pj_sums *problem, const int32_t *kept, int64_t count, float *sums) {
    for (int64_t block = 0; block * BLOCK < count; block++) {
        const int64_t first = block * BLOCK, width = first + BLOCK;
        float *rows = sums + block_start(block);
        for (int64_t r = 0; r < BLOCK; r++) {
            float *row = rows + r * width;
            memset(row, 0, (size_t)width * sizeof(float));
            if (first + r >= count) continue;
            const float *from = problem->xx + (int64_t)kept[first + r] * problem->inputs;
            const int64_t end = width < count ? width : count;
            for (int64_t j = 0; j < end; j++) row[j] = from[kept[j]];
        }
    }
}

/* out = sums * in, both halves of each block of rows in one reading. */
static void multiply(const float *restrict sums, int64_t count, const float *restrict in, float *restrict out) {
    memset(out, 0, (size_t)padded(count) * sizeof(float));
    for (int64_t first = 0; first < count; first += BLOCK) {
        const int64_t width = first + BLOCK;
        const float *restrict a = sums + block_start(first / BLOCK);
        const float *restrict b = a + width, *restrict c = b + width, *restrict d = c + width;
        const float va = in[first], vb = in[first + 1], vc = in[first + 2], vd = in[first + 3];
        float dots[BLOCK][BLOCK] = {{0}};
        for (int64_t j = 0; j < first; j += BLOCK)
            AS_VECTOR
            for (int64_t k = 0; k < BLOCK; k++) {
                const float x = in[j + k];
                out[j + k] += (a[j + k] * va + b[j + k] * vb) + (c[j + k] * vc + d[j + k] * vd);
                dots[0][k] += a[j + k] * x;
                dots[1][k] += b[j + k] * x;
                dots[2][k] += c[j + k] * x;
                dots[3][k] += d[j + k] * x;
            }
        for (int64_t r = 0; r < BLOCK; r++) {
            const float *own = a + r * width + first;
            for (int64_t k = 0; k < BLOCK; k++) dots[r][k] += own[k] * in[first + k];
            out[first + r] = (dots[r][0] + dots[r][1]) + (dots[r][2] + dots[r][3]);
        }
    }
}

static double dot(const double *left, const double *right, int64_t count) {
    double part[BLOCK] = {0};
    int64_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK)
        AS_VECTOR
        for (int64_t k = 0; k < BLOCK; k++) part[k] += left[i + k] * right[i + k];
    for (; i < count; i++) part[0] += left[i] * right[i];
    return (part[0] + part[1]) + (part[2] + part[3]);
}

/* into [rank] += the sum over a block of rows of strong, each times its scale. */
static void add_rows(const float *restrict strong, int64_t rank, const float *scale, double *restrict into, int64_t end) {
    const float *restrict b = strong + rank, *restrict c = b + rank, *restrict d = c + rank;
    for (int64_t k = 0; k < end; k++)
        into[k] += (double)((scale[0] * strong[k] + scale[1] * b[k]) + (scale[2] * c[k] + scale[3] * d[k]));
}

/* I + F' spread^-1 F on the support as L D L': L's lower half, and D in place of its diagonal of ones. No root: no libm. */
static void prepare(const pj_sums *problem, const int32_t *kept, int64_t count, bench *at) {
    const int64_t rank = problem->rank;
    memset(at->inner, 0, (size_t)(rank * rank) * sizeof(double));
    for (int64_t i = 0; i < padded(count); i++) {
        float *row = at->strong + i * rank;
        if (i < count) memcpy(row, problem->factors + kept[i] * rank, (size_t)rank * sizeof(float));
        else memset(row, 0, (size_t)rank * sizeof(float));
    }
    for (int64_t i = 0; i < count; i += BLOCK)
        for (int64_t k = 0; k < rank; k++) {
            float scale[BLOCK] = {0};
            for (int64_t r = 0; r < BLOCK && i + r < count; r++)
                scale[r] = at->strong[(i + r) * rank + k] / problem->spread[kept[i + r]];
            add_rows(at->strong + i * rank, rank, scale, at->inner + k * rank, k + 1);
        }
    for (int64_t k = 0; k < rank; k++) {
        double *row = at->inner + k * rank, pivot = 1 + row[k];
        for (int64_t l = 0; l < k; l++) row[l] -= dot(row, at->inner + l * rank, l);
        for (int64_t l = 0; l < k; l++) {
            const double scaled = row[l] / at->inner[l * rank + l];
            pivot -= row[l] * scaled;
            row[l] = scaled;
        }
        row[k] = pivot > 1 ? pivot : 1; /* less is rounding */
    }
}

/* ahead = (spread + F F')^-1 rest on the support, by the formula of Woodbury. */
static void precondition(const pj_sums *problem, const int32_t *kept, int64_t count, bench *at) {
    const int64_t rank = problem->rank;
    double *mixed = at->mixed;
    memset(mixed, 0, (size_t)rank * sizeof(double));
    for (int64_t i = 0; i < count; i += BLOCK) {
        float scale[BLOCK] = {0};
        for (int64_t r = 0; r < BLOCK && i + r < count; r++)
            scale[r] = (float)(at->rest[i + r] / problem->spread[kept[i + r]]);
        add_rows(at->strong + i * rank, rank, scale, mixed, rank);
    }
    for (int64_t k = 0; k < rank; k++) mixed[k] -= dot(at->inner + k * rank, mixed, k);
    for (int64_t k = rank - 1; k >= 0; k--) mixed[k] /= at->inner[k * rank + k];
    for (int64_t k = rank - 1; k >= 0; k--)
        for (int64_t l = 0; l < k; l++) mixed[l] -= at->inner[k * rank + l] * mixed[k];
    for (int64_t i = 0; i < count; i++) {
        const float *row = at->strong + i * rank;
        double part[BLOCK] = {0};
        int64_t k = 0;
        for (; k + BLOCK <= rank; k += BLOCK)
            AS_VECTOR
            for (int64_t l = 0; l < BLOCK; l++) part[l] += row[k + l] * mixed[k + l];
        for (; k < rank; k++) part[0] += row[k] * mixed[k];
        at->ahead[i] = (at->rest[i] - ((part[0] + part[1]) + (part[2] + part[3]))) / problem->spread[kept[i]];
    }
}

/* found: what to add to the weights. Each step lowers the objective; see the fields of pj_sums for the end. */
static void descend(const pj_sums *problem, const int32_t *kept, int64_t count, double residual, bench *at) {
    const double least = problem->least_left * residual;
    double left = residual, height_before = 0;
    memset(at->found, 0, (size_t)count * sizeof(double));
    memset(at->direction, 0, (size_t)padded(count) * sizeof(float));
    for (int32_t step = 0; step < problem->most_steps; step++) {
        precondition(problem, kept, count, at);
        const double height = dot(at->rest, at->ahead, count);
        if (!(height > 0)) return;
        const double again = step ? height / height_before : 0;
        for (int64_t i = 0; i < count; i++) at->direction[i] = (float)(at->ahead[i] + again * at->direction[i]);
        multiply(at->sums, count, at->direction, at->slope);
        double curve = 0;
        for (int64_t i = 0; i < count; i++) {
            at->ahead[i] = at->slope[i] + problem->damping * at->direction[i];
            curve += at->ahead[i] * at->direction[i];
        }
        if (!(curve > 0)) return;
        const double length = height / curve;
        for (int64_t i = 0; i < count; i++) {
            at->found[i] += length * at->direction[i];
            at->rest[i] -= length * at->ahead[i];
        }
        left -= length * height;
        if (length * height <= problem->enough * (left > least ? left : least)) return;
        height_before = height;
    }
}

/* By how much the residual falls, 2 wanted'change - change' sums change, in double precision. */
static double fall(const float *sums, int64_t count, const float *wanted, const float *change) {
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t first = i / BLOCK * BLOCK;
        const float *row = sums + block_start(i / BLOCK) + (i - first) * (first + BLOCK);
        double part[BLOCK] = {0};
        for (int64_t j = 0; j < first; j += BLOCK)
            AS_VECTOR
            for (int64_t k = 0; k < BLOCK; k++) part[k] += (double)row[j + k] * (double)change[j + k];
        double below = (part[0] + part[1]) + (part[2] + part[3]);
        for (int64_t j = first; j < i; j++) below += (double)row[j] * (double)change[j];
        total += change[i] * (2.0 * wanted[i] - 2 * below - (double)row[i] * (double)change[i]);
    }
    return total;
}

static void solve(const pj_sums *problem, const int32_t *kept, int64_t count, const float *wanted, double residual,
                  float *change, bench *at) {
    gather(problem, kept, count, at->sums);
    prepare(problem, kept, count, at);
    for (int64_t i = 0; i < count; i++) at->rest[i] = wanted[i];
    descend(problem, kept, count, residual, at);
    for (int64_t i = 0; i < count; i++) change[i] = (float)at->found[i];
    if (!(fall(at->sums, count, wanted, change) >= 0)) memset(change, 0, (size_t)count * sizeof(float));
}

int pj_descend_supports(const pj_sums *problem, int64_t outputs, const int64_t *starts, const int32_t *kept,
                        const float *wanted, const double *residual, float *change) {
    int64_t most = 0;
    for (int64_t o = 0; o < outputs; o++)
        if (starts[o + 1] - starts[o] > most) most = starts[o + 1] - starts[o];
    bench at = {0};
    const int status = bench_of(&at, padded(most), problem->rank);
    for (int64_t o = 0; status == PJ_OK && o < outputs; o++)
        solve(problem, kept + starts[o], starts[o + 1] - starts[o], wanted + starts[o], residual[o],
              change + starts[o], &at);
    free(at.sums);
    free(at.found);
    return status;
}
