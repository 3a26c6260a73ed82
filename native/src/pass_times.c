/* When everything in a pass happens, by recurrence.
 *
 * Every bus serves its words in a fixed order and every PE works in a fixed order, so each event waits for a known set of
 * earlier events: its time is the latest of theirs plus a latency, whatever the values are. Walking the events in the
 * order (image, window, column, filter) meets each after all that it waits for. The answer is the stepper's, cycle for
 * cycle; a test draws random shapes to say so. */
#include <stdlib.h>

#include "pass_layout.h"

typedef struct {
    const pj_shape *a;
    pj_layout b;
    int64_t load_ring, *load_time; /* [pe][word % load_ring]: when the word entered the ifmap spad */
    int64_t *dead_time;            /* [pe][word % ifmap_spad_words]: when it was used for the last time */
    int64_t *next_issue;           /* [pe]: first cycle in which its MAC datapath is free */
    int64_t *pop_time;             /* [column][position 0..chain][psum % psum_fifo_words] */
    int64_t ifmap_bus, psum_in_bus, psum_out_bus; /* first free cycle of each bus */
    pj_times *times;
    pj_activity *activity;               /* NULL: nobody asks what happens in which cycle */
    int64_t window_start, window_column; /* of the window that is being sent: its first word, and that word's column */
} recurrence;

/* ---- what is asked for beside the times: counts of each cycle ---- */

static void note(const recurrence *z, int64_t plane, int64_t cycle, int64_t count) {
    const int64_t at = cycle - z->activity->first;
    if (at >= 0 && at < z->activity->cycles) z->activity->counts[plane * z->activity->cycles + at] += count;
}

static void note_filters(const recurrence *z) {
    const pj_shape *a = z->a;
    const int64_t words = a->p * z->b.window_words, beats = pj_ceil_div(words, a->filter_beat_words);
    for (int64_t cycle = 0; cycle < z->b.filter_cycles; cycle++)
        note(z, PJ_FILTER_SENT, cycle, pj_min(a->filter_beat_words, words - cycle % beats * a->filter_beat_words));
}

static void note_ifmap_beat(const recurrence *z, int64_t y, int64_t word, int64_t words, int64_t targets) {
    const int32_t *stored = z->activity->stored;
    const int64_t cycle = z->ifmap_bus - 1;
    int64_t stored_words = 0;
    for (int64_t w = word; w < word + words; w++) {
        const int64_t x = z->window_column + (w - z->window_start) / z->a->q;
        stored_words += y >= stored[0] && y < stored[1] && x >= stored[2] && x < stored[3];
    }
    note(z, PJ_IFMAP_BUS, cycle, words);
    note(z, PJ_IFMAP_SENT, cycle, stored_words);
    note(z, PJ_IFMAP_DELIVERED, cycle, words * targets);
}

/* MAC slots of a PE in cycles begin..end-1, as a rise and a fall until `add_up` makes counts of them. */
static void note_slots(const recurrence *z, int64_t row, int64_t begin, int64_t end) {
    const int64_t cycles = z->activity->cycles, from = begin - z->activity->first, to = end - z->activity->first;
    int64_t *counts = z->activity->counts + (PJ_ROW_MACS + row) * cycles;
    if (to <= 0 || from >= cycles) return;
    counts[pj_max(from, 0)]++;
    if (to < cycles) counts[to]--;
}

static void add_up(const recurrence *z) {
    const int64_t cycles = z->activity->cycles;
    for (int64_t row = 0; row < z->b.chain; row++) {
        int64_t *counts = z->activity->counts + (PJ_ROW_MACS + row) * cycles;
        for (int64_t at = 1; at < cycles; at++) counts[at] += counts[at - 1];
    }
}

/* ---- the recurrence ---- */

/* One beat of `words` ifmap words, from number `word` of each PE's stream on, to the PEs of a diagonal. */
static void send_ifmap_beat(recurrence *z, int64_t y, int64_t group, int64_t set, int64_t word, int64_t words) {
    const pj_shape *a = z->a;
    const int64_t first = pj_first_column(a, y), last = pj_last_column(a, y);
    const int64_t final = word + words - 1, spad = a->ifmap_spad_words;
    int64_t sent = z->ifmap_bus;
    for (int64_t filter_set = 0; filter_set < a->t; filter_set++)
        for (int64_t j = first; j <= last; j++) {
            const int64_t column = (group * a->t + filter_set) * a->e + j;
            const int64_t *load = z->load_time + (column * z->b.chain + pj_position(a, set, y, j)) * z->load_ring;
            if (final >= a->ifmap_fifo_words)
                sent = pj_max(sent, load[(final - a->ifmap_fifo_words) % z->load_ring] + 1);
        }
    z->ifmap_bus = sent + 1;
    if (z->activity) note_ifmap_beat(z, y, word, words, a->t * (last - first + 1));
    for (int64_t filter_set = 0; filter_set < a->t; filter_set++)
        for (int64_t j = first; j <= last; j++) {
            const int64_t column = (group * a->t + filter_set) * a->e + j;
            const int64_t pe = column * z->b.chain + pj_position(a, set, y, j);
            int64_t *load = z->load_time + pe * z->load_ring;
            for (int64_t w = word; w <= final; w++) {
                int64_t at = sent + 1;
                if (w > 0) at = pj_max(at, load[(w - 1) % z->load_ring] + 1);
                if (w >= spad) at = pj_max(at, z->dead_time[pe * spad + w % spad] + 1);
                load[w % z->load_ring] = at;
            }
        }
}

static void send_ifmap_window(recurrence *z, int64_t first_word, int64_t words) {
    const pj_shape *a = z->a;
    for (int64_t y = 0; y < z->b.tile_rows; y++) {
        if (pj_first_column(a, y) > pj_last_column(a, y)) continue; /* a row between strides */
        for (int64_t group = 0; group < a->g; group++)
            for (int64_t set = 0; set < a->r; set++)
                for (int64_t w = 0; w < words; w += a->ifmap_beat_words)
                    send_ifmap_beat(z, y, group, set, first_word + w, pj_min(a->ifmap_beat_words, words - w));
    }
}

/* All MAC slots of one PE's window up to the p of its last ifmap word; returns when the first of those could issue. */
static int64_t run_window_head(recurrence *z, int64_t pe, int64_t window_start, int64_t new_from, int is_last_window) {
    const int64_t spad = z->a->ifmap_spad_words, final = z->b.window_words - 1;
    const int64_t dying = is_last_window ? z->b.window_words : z->b.step_words;
    const int64_t *load = z->load_time + pe * z->load_ring;
    int64_t at = z->next_issue[pe];
    for (int64_t w = 0; w <= final; w++) {
        const int64_t word = window_start + w;
        if (word >= new_from) {
            const int64_t arrived = load[word % z->load_ring] + 1;
            if (arrived > at) {
                z->times->ifmap_wait += arrived - at;
                at = arrived;
            }
        }
        if (w == final) break;
        if (z->activity) note_slots(z, pe % z->b.chain, at, at + z->a->p);
        at += z->a->p;
        if (w < dying) z->dead_time[pe * spad + word % spad] = at - 1;
    }
    return at;
}

/* The p psums of one column's window, from the GLB up the chain and back; next_issue holds when each PE could begin. */
static void run_window_tail(recurrence *z, int64_t column, int64_t first_psum) {
    const pj_shape *a = z->a;
    const int64_t chain = z->b.chain, fifo = a->psum_fifo_words;
    int64_t *next_issue = z->next_issue + column * chain;
    int64_t *pop_time = z->pop_time + column * (chain + 1) * fifo;
    int64_t arrival = 0;
    for (int64_t k = 0; k < a->p; k++) {
        const int64_t psum = first_psum + k, slot = psum % fifo;
        const int has_wrapped = psum >= fifo;
        if (a->psum_in && k % a->psum_in_beat_words == 0) {
            const int64_t final = psum + pj_min(a->psum_in_beat_words, a->p - k) - 1;
            int64_t sent = z->psum_in_bus;
            if (final >= fifo) sent = pj_max(sent, pop_time[final % fifo] + 1);
            z->psum_in_bus = sent + 1;
            arrival = sent + 1;
            if (z->activity) note(z, PJ_PSUM_DELIVERED, sent, final - psum + 1);
        }
        int64_t ready = a->psum_in ? arrival : 0;
        for (int64_t pos = 0; pos < chain; pos++) {
            const int64_t could = next_issue[pos];
            const int64_t has_input = pj_max(could, ready);
            const int64_t has_room = has_wrapped ? pj_max(has_input, pop_time[(pos + 1) * fifo + slot] + 1) : has_input;
            z->times->psum_in_wait += has_input - could;
            z->times->psum_out_wait += has_room - has_input;
            pop_time[pos * fifo + slot] = has_room;
            next_issue[pos] = has_room + 1;
            if (z->activity) {
                note_slots(z, pos, has_room, has_room + 1);
                note(z, PJ_PSUM_HOPS, has_room, pos > 0);
            }
            ready = has_room + a->pipeline_stages + (pos < chain - 1); /* a link to the PE above: one cycle */
        }
        if (k % a->psum_out_beat_words == a->psum_out_beat_words - 1 || k == a->p - 1) {
            const int64_t sent = pj_max(z->psum_out_bus, ready);
            for (int64_t done = k - k % a->psum_out_beat_words; done <= k; done++)
                pop_time[chain * fifo + (first_psum + done) % fifo] = sent;
            z->psum_out_bus = sent + 1;
            if (z->activity) note(z, PJ_PSUM_COLLECTED, sent, k % a->psum_out_beat_words + 1);
        }
    }
}

static void run_window(recurrence *z, int64_t image, int64_t x) {
    const pj_shape *a = z->a;
    const int64_t spad = a->ifmap_spad_words, chain = z->b.chain;
    const int64_t window_start = image * z->b.image_words + x * z->b.step_words;
    const int64_t new_words = x == 0 ? z->b.window_words : z->b.step_words;
    const int64_t new_from = window_start + z->b.window_words - new_words;
    const int64_t final = window_start + z->b.window_words - 1;
    const int is_last = x == a->F - 1;
    z->window_start = window_start;
    z->window_column = x * a->V;
    send_ifmap_window(z, new_from, new_words);
    for (int64_t j = 0; j < a->e; j++)
        for (int64_t stack = 0; stack < (int64_t)a->g * a->t; stack++) {
            const int64_t column = stack * a->e + j;
            for (int64_t pe = column * chain; pe < (column + 1) * chain; pe++)
                z->next_issue[pe] = run_window_head(z, pe, window_start, new_from, is_last);
            run_window_tail(z, column, (image * a->F + x) * a->p);
            if (is_last || z->b.step_words == z->b.window_words)
                for (int64_t pe = column * chain; pe < (column + 1) * chain; pe++)
                    z->dead_time[pe * spad + final % spad] = z->next_issue[pe] - 1;
        }
}

static int walk_pass(const pj_shape *shape, pj_times *times, pj_activity *activity) {
    if (!pj_shape_is_valid(shape)) return PJ_BAD_SHAPE;
    const pj_layout b = pj_layout_of(shape);
    const int64_t ring = pj_max(shape->ifmap_fifo_words, b.window_words) + 1;
    const int64_t loads = b.pes * ring, deads = b.pes * shape->ifmap_spad_words;
    const int64_t pops = b.columns * (b.chain + 1) * shape->psum_fifo_words;
    int64_t *memory = calloc((size_t)(loads + deads + b.pes + pops), sizeof *memory);
    if (!memory) return PJ_NO_MEMORY;

    *times = (pj_times){.filter_cycles = b.filter_cycles};
    recurrence z = {.a = shape, .b = b, .load_ring = ring, .load_time = memory, .dead_time = memory + loads,
                    .next_issue = memory + loads + deads, .pop_time = memory + loads + deads + b.pes,
                    .ifmap_bus = b.filter_cycles, .psum_in_bus = b.filter_cycles, .times = times,
                    .activity = activity};
    for (int64_t pe = 0; pe < b.pes; pe++) z.next_issue[pe] = b.filter_cycles;
    if (activity) note_filters(&z);
    for (int64_t image = 0; image < shape->n; image++)
        for (int64_t x = 0; x < shape->F; x++) run_window(&z, image, x);

    if (activity) add_up(&z);
    times->cycles = z.psum_out_bus;
    times->filter_load = b.filter_cycles * b.pes;
    times->active = b.pes * shape->n * shape->F * b.window_words * shape->p;
    for (int64_t pe = 0; pe < b.pes; pe++) times->drain += times->cycles - z.next_issue[pe];
    free(memory);
    return PJ_OK;
}

int pj_time_pass(const pj_shape *shape, pj_times *times) { return walk_pass(shape, times, NULL); }

int pj_trace_pass(const pj_shape *shape, pj_times *times, pj_activity *activity) {
    if (activity->first < 0 || activity->cycles < 0) return PJ_BAD_SHAPE;
    return walk_pass(shape, times, activity);
}
