/* A processing pass, cycle by cycle: the plain version, and the truth.
 *
 * In each cycle the three buses first decide what they could send by what the FIFOs held when it began; then every PE
 * takes one step, columns from the bottom up; then what the buses sent arrives. Every link takes one cycle: a PE sees a
 * word the cycle after a bus sent it, and a psum `pipeline_stages` cycles and one link after the PE below issued it; room is
 * seen the cycle after it was made. Because a psum carries the cycle in which it is ready, stepping the producer first
 * hides nothing from, and shows nothing to, the consumer above it in the same cycle. */
#include <stdlib.h>
#include <string.h>

#include "pass_layout.h"

enum { QUIET_LIMIT = 64 }; /* cycles beyond the pipeline without any event: nothing will ever happen again */

typedef struct {
    int64_t received, loaded, dead; /* ifmap words so far: into the FIFO, into the spad, used for the last time */
    int64_t window_start;           /* number of the current window's first word */
    int32_t image, x, w, k;         /* the MAC slot to issue next: image, window, word of the window, filter */
} pe_state;

typedef struct {
    int64_t pushed, popped;
} fifo_state;

typedef struct {
    const pj_shape *a;
    pj_layout b;
    pj_values *values;
    pj_times *times;
    pj_traffic *traffic;
    int64_t cycle;
    int events; /* in this cycle */

    pe_state *pes;
    int16_t *ifmap_fifo, *ifmap_spad, *filter_spad;
    int64_t *psum_spad;
    fifo_state *psum_fifos;          /* [column][position 0..chain]; the last one is emptied by the GON */
    int64_t *psum_words, *psum_ready; /* their words, and the first cycle in which each can be taken */
} stepper;

/* Where a bus is in its fixed order. `word` counts within the group of words that go to the same PEs. */
typedef struct {
    int64_t image, x, row, group, set, word;
    int is_done;
} bus_state;

static int64_t pe_number(const stepper *z, int64_t column, int64_t pos) { return column * z->b.chain + pos; }
static int64_t fifo_number(const stepper *z, int64_t column, int64_t pos) { return column * (z->b.chain + 1) + pos; }

/* Two's complement, `bits` wide; 0 bits: as it is. */
static int64_t wrap(int64_t value, int32_t bits) {
    if (!bits) return value;
    const int64_t modulus = (int64_t)1 << bits, half = modulus / 2;
    const int64_t low = value & (modulus - 1);
    return low >= half ? low - modulus : low;
}

/* Floor division by 2**shift without relying on how C shifts negative numbers. */
static int64_t shift_right(int64_t value, int32_t shift) {
    return value >= 0 ? value >> shift : -((-value + ((int64_t)1 << shift) - 1) >> shift);
}

/* ---- filters: one beat a cycle into one row of a set, before anything else moves ---- */

static int16_t filter_word(const stepper *z, int64_t stack, int64_t pos, int64_t word) {
    const pj_shape *a = z->a;
    const int64_t k = word % a->p, channel = word / a->p % a->q, tap = word / a->p / a->q;
    const int64_t filter = stack * a->p + k; /* stack = group * t + set on filters */
    const int64_t input = (pos / a->R) * a->q + channel;
    return z->values->filters[((filter * a->r * a->q + input) * a->R + a->R - 1 - pos % a->R) * a->S + tap];
}

static void load_filters(stepper *z) {
    const pj_shape *a = z->a;
    const int64_t words = a->p * z->b.window_words;
    for (int64_t stack = 0; stack < (int64_t)a->g * a->t; stack++)
        for (int64_t pos = 0; pos < z->b.chain; pos++)
            for (int64_t beat = 0; beat < words; beat += a->filter_beat_words, z->cycle++)
                for (int64_t w = beat; w < pj_min(beat + a->filter_beat_words, words); w++) {
                    z->traffic->filter_sent++;
                    for (int64_t j = 0; j < a->e; j++) {
                        z->filter_spad[pe_number(z, stack * a->e + j, pos) * words + w] = filter_word(z, stack, pos, w);
                        z->traffic->filter_delivered++;
                    }
                }
    z->times->filter_load = z->cycle * z->b.pes;
    z->times->filter_cycles = z->cycle;
}

/* ---- ifmap bus ---- */

static int64_t ifmap_group_words(const stepper *z, const bus_state *bus) {
    return bus->x == 0 ? z->b.window_words : z->b.step_words;
}

static int row_is_used(const pj_shape *a, int64_t y) { return pj_first_column(a, y) <= pj_last_column(a, y); }

static void next_ifmap_beat(const stepper *z, bus_state *bus, int64_t words) {
    const pj_shape *a = z->a;
    bus->word += words;
    if (bus->word < ifmap_group_words(z, bus)) return;
    bus->word = 0;
    if (++bus->set < a->r) return;
    bus->set = 0;
    if (++bus->group < a->g) return;
    bus->group = 0;
    do bus->row++;
    while (bus->row < z->b.tile_rows && !row_is_used(a, bus->row));
    if (bus->row < z->b.tile_rows) return;
    bus->row = 0;
    if (++bus->x < a->F) return;
    bus->x = 0;
    if (++bus->image == a->n) bus->is_done = 1;
}

static int ifmap_beat_fits(const stepper *z, const bus_state *bus, int64_t words) {
    const pj_shape *a = z->a;
    const int64_t last = pj_last_column(a, bus->row);
    for (int64_t filter_set = 0; filter_set < a->t; filter_set++)
        for (int64_t j = pj_first_column(a, bus->row); j <= last; j++) {
            const int64_t column = (bus->group * a->t + filter_set) * a->e + j;
            const pe_state *pe = &z->pes[pe_number(z, column, pj_position(a, bus->set, bus->row, j))];
            if (pe->received - pe->loaded + words > a->ifmap_fifo_words) return 0;
        }
    return 1;
}

static void deliver_ifmap_word(stepper *z, const bus_state *bus, int64_t word) {
    const pj_shape *a = z->a;
    const int64_t tap = word / a->q + (bus->x == 0 ? 0 : a->S - z->b.step_words / a->q);
    const int64_t x = bus->x * a->V + tap, channel = bus->set * a->q + word % a->q;
    const int64_t plane = (bus->image * a->g + bus->group) * a->r * a->q + channel;
    const int16_t value = z->values->ifmap[(plane * z->b.tile_rows + bus->row) * z->b.tile_columns + x];
    const int32_t *stored = z->values->stored;
    if (bus->row >= stored[0] && bus->row < stored[1] && x >= stored[2] && x < stored[3]) z->traffic->ifmap_sent++;
    const int64_t last = pj_last_column(a, bus->row);
    for (int64_t filter_set = 0; filter_set < a->t; filter_set++)
        for (int64_t j = pj_first_column(a, bus->row); j <= last; j++) {
            const int64_t column = (bus->group * a->t + filter_set) * a->e + j;
            const int64_t number = pe_number(z, column, pj_position(a, bus->set, bus->row, j));
            pe_state *pe = &z->pes[number];
            z->ifmap_fifo[number * a->ifmap_fifo_words + pe->received++ % a->ifmap_fifo_words] = value;
            z->traffic->ifmap_delivered++;
        }
}

/* ---- psum buses: words of a beat go to, or come from, one PE ---- */

static int64_t psum_column(const stepper *z, const bus_state *bus) { return bus->group * z->a->e + bus->row; }

static int64_t psum_address(const stepper *z, const bus_state *bus, int64_t k) {
    const pj_shape *a = z->a; /* here `group` counts stacks: group * t + set on filters */
    return (((bus->image * a->g * a->t + bus->group) * a->p + k) * a->e + bus->row) * a->F + bus->x;
}

static void next_psum_beat(const stepper *z, bus_state *bus, int64_t words) {
    const pj_shape *a = z->a;
    bus->word += words;
    if (bus->word < a->p) return;
    bus->word = 0;
    if (++bus->group < (int64_t)a->g * a->t) return;
    bus->group = 0;
    if (++bus->row < a->e) return;
    bus->row = 0;
    if (++bus->x < a->F) return;
    bus->x = 0;
    if (++bus->image == a->n) bus->is_done = 1;
}

static int psums_fit(const stepper *z, const bus_state *bus, int64_t words) {
    const fifo_state *fifo = &z->psum_fifos[fifo_number(z, psum_column(z, bus), 0)];
    return fifo->pushed - fifo->popped + words <= z->a->psum_fifo_words;
}

static int psums_are_ready(const stepper *z, const bus_state *bus, int64_t words) {
    const int64_t number = fifo_number(z, psum_column(z, bus), z->b.chain), room = z->a->psum_fifo_words;
    const fifo_state *fifo = &z->psum_fifos[number];
    if (fifo->pushed - fifo->popped < words) return 0;
    return z->psum_ready[number * room + (fifo->popped + words - 1) % room] <= z->cycle;
}

static void push_psum(stepper *z, int64_t number, int64_t value, int64_t ready) {
    const int64_t at = number * z->a->psum_fifo_words + z->psum_fifos[number].pushed++ % z->a->psum_fifo_words;
    z->psum_words[at] = value;
    z->psum_ready[at] = ready;
}

static int64_t pop_psum(stepper *z, int64_t number) {
    return z->psum_words[number * z->a->psum_fifo_words + z->psum_fifos[number].popped++ % z->a->psum_fifo_words];
}

static void deliver_psums(stepper *z, const bus_state *bus, int64_t words) {
    for (int64_t k = bus->word; k < bus->word + words; k++)
        push_psum(z, fifo_number(z, psum_column(z, bus), 0), z->values->psum_in[psum_address(z, bus, k)], z->cycle + 1);
    z->traffic->psum_delivered += words;
}

static void collect_psums(stepper *z, const bus_state *bus, int64_t words) {
    for (int64_t k = bus->word; k < bus->word + words; k++)
        z->values->psum_out[psum_address(z, bus, k)] = pop_psum(z, fifo_number(z, psum_column(z, bus), z->b.chain));
    z->traffic->psum_collected += words;
}

/* ---- PEs ---- */

static void advance_slot(const stepper *z, pe_state *pe) {
    const pj_shape *a = z->a;
    if (++pe->k < a->p) return;
    pe->k = 0;
    if (pe->w < z->b.step_words || pe->x == a->F - 1) pe->dead++; /* no later window has this word */
    if (++pe->w < z->b.window_words) return;
    pe->w = 0;
    pe->window_start += z->b.step_words;
    if (++pe->x < a->F) return;
    pe->x = 0;
    pe->image++;
    pe->window_start = pe->image * z->b.image_words;
}

/* The MAC itself. Zeros gate it, and change neither the value nor the time. */
static int64_t accumulate(stepper *z, int64_t number, const pe_state *pe) {
    const pj_shape *a = z->a;
    const int16_t word = z->ifmap_spad[number * a->ifmap_spad_words + (pe->window_start + pe->w) % a->ifmap_spad_words];
    const int16_t weight = z->filter_spad[(number * z->b.window_words + pe->w) * a->p + pe->k];
    const int is_first = pe->w == 0, is_last = pe->w == z->b.window_words - 1;
    z->values->mac_slots[is_first * 8 + is_last * 4 + (word == 0) * 2 + (weight == 0)]++;
    int64_t product = (int64_t)word * weight;
    if (z->values->psum_bits) product = shift_right(product, z->values->product_shift);
    int64_t *psum = &z->psum_spad[number * a->p + pe->k];
    *psum = wrap(product + (is_first ? 0 : *psum), z->values->psum_bits);
    return *psum;
}

/* Issue the last MAC slot of a window for one filter, if the psum from below and room above are there. */
static int finish_psum(stepper *z, int64_t number, const pe_state *pe, int64_t column, int64_t pos) {
    const int64_t below = fifo_number(z, column, pos), above = below + 1, room = z->a->psum_fifo_words;
    const fifo_state *input = &z->psum_fifos[below], *output = &z->psum_fifos[above];
    const int takes_input = pos > 0 || z->a->psum_in;
    if (takes_input &&
        (input->pushed == input->popped || z->psum_ready[below * room + input->popped % room] > z->cycle)) {
        z->times->psum_in_wait++;
        return 0;
    }
    if (output->pushed - output->popped == room) {
        z->times->psum_out_wait++;
        return 0;
    }
    int64_t psum = accumulate(z, number, pe);
    if (takes_input) psum = wrap(psum + pop_psum(z, below), z->values->psum_bits);
    if (pos > 0) z->traffic->psum_hops++;
    push_psum(z, above, psum, z->cycle + z->a->pipeline_stages + (pos < z->b.chain - 1));
    return 1;
}

static int issue_slot(stepper *z, int64_t number, pe_state *pe, int64_t column, int64_t pos) {
    if (pe->image == z->a->n) {
        z->times->drain++;
        return 0;
    }
    if (pe->window_start + pe->w >= pe->loaded) {
        z->times->ifmap_wait++;
        return 0;
    }
    if (pe->w < z->b.window_words - 1)
        accumulate(z, number, pe);
    else if (!finish_psum(z, number, pe, column, pos))
        return 0;
    z->times->active++;
    advance_slot(z, pe);
    return 1;
}

static void load_ifmap_word(stepper *z, int64_t number, pe_state *pe) {
    const pj_shape *a = z->a;
    z->ifmap_spad[number * a->ifmap_spad_words + pe->loaded % a->ifmap_spad_words] =
        z->ifmap_fifo[number * a->ifmap_fifo_words + pe->loaded % a->ifmap_fifo_words];
    pe->loaded++;
}

static void step_pe(stepper *z, int64_t column, int64_t pos) {
    const int64_t number = pe_number(z, column, pos);
    pe_state *pe = &z->pes[number];
    const int can_load = pe->received > pe->loaded && pe->loaded - pe->dead < z->a->ifmap_spad_words;
    const int issued = issue_slot(z, number, pe, column, pos);
    if (can_load) load_ifmap_word(z, number, pe);
    z->events += issued | can_load;
}

/* ---- a cycle, and the pass ---- */

static void step_cycle(stepper *z, bus_state *ifmap, bus_state *psum_in, bus_state *psum_out) {
    const pj_shape *a = z->a;
    const int64_t ifmap_words = pj_min(a->ifmap_beat_words, ifmap_group_words(z, ifmap) - ifmap->word);
    const int64_t in_words = pj_min(a->psum_in_beat_words, a->p - psum_in->word);
    const int64_t out_words = pj_min(a->psum_out_beat_words, a->p - psum_out->word);
    const int sends_ifmap = !ifmap->is_done && ifmap_beat_fits(z, ifmap, ifmap_words);
    const int sends_psums = !psum_in->is_done && psums_fit(z, psum_in, in_words);
    const int takes_psums = psums_are_ready(z, psum_out, out_words);
    z->events = sends_ifmap | sends_psums | takes_psums;

    for (int64_t column = 0; column < z->b.columns; column++)
        for (int64_t pos = 0; pos < z->b.chain; pos++) step_pe(z, column, pos);

    if (sends_ifmap) {
        for (int64_t w = 0; w < ifmap_words; w++) deliver_ifmap_word(z, ifmap, ifmap->word + w);
        next_ifmap_beat(z, ifmap, ifmap_words);
    }
    if (sends_psums) {
        deliver_psums(z, psum_in, in_words);
        next_psum_beat(z, psum_in, in_words);
    }
    if (takes_psums) {
        collect_psums(z, psum_out, out_words);
        next_psum_beat(z, psum_out, out_words);
    }
    z->cycle++;
}

static int run(stepper *z) {
    bus_state ifmap = {0}, psum_in = {.is_done = !z->a->psum_in}, psum_out = {0};
    int64_t quiet = 0;
    load_filters(z);
    while (!psum_out.is_done) {
        step_cycle(z, &ifmap, &psum_in, &psum_out);
        quiet = z->events ? 0 : quiet + 1;
        if (quiet - QUIET_LIMIT > z->a->pipeline_stages) return PJ_DEADLOCK;
    }
    z->times->cycles = z->cycle;
    return PJ_OK;
}

static void free_state(stepper *z) {
    free(z->pes);
    free(z->ifmap_fifo);
    free(z->ifmap_spad);
    free(z->filter_spad);
    free(z->psum_spad);
    free(z->psum_fifos);
    free(z->psum_words);
    free(z->psum_ready);
}

static int allocate_state(stepper *z) {
    const pj_shape *a = z->a;
    const size_t pes = (size_t)z->b.pes, fifos = (size_t)(z->b.columns * (z->b.chain + 1));
    const size_t room = (size_t)a->psum_fifo_words, window = (size_t)z->b.window_words;
    z->pes = calloc(pes, sizeof *z->pes);
    z->ifmap_fifo = calloc(pes * (size_t)a->ifmap_fifo_words, sizeof *z->ifmap_fifo);
    z->ifmap_spad = calloc(pes * (size_t)a->ifmap_spad_words, sizeof *z->ifmap_spad);
    z->filter_spad = calloc(pes * window * (size_t)a->p, sizeof *z->filter_spad);
    z->psum_spad = calloc(pes * (size_t)a->p, sizeof *z->psum_spad);
    z->psum_fifos = calloc(fifos, sizeof *z->psum_fifos);
    z->psum_words = calloc(fifos * room, sizeof *z->psum_words);
    z->psum_ready = calloc(fifos * room, sizeof *z->psum_ready);
    return z->pes && z->ifmap_fifo && z->ifmap_spad && z->filter_spad && z->psum_spad && z->psum_fifos &&
           z->psum_words && z->psum_ready;
}

int pj_step_pass(const pj_shape *shape, pj_values *values, pj_times *times, pj_traffic *traffic) {
    if (!pj_shape_is_valid(shape)) return PJ_BAD_SHAPE;
    memset(times, 0, sizeof *times);
    memset(traffic, 0, sizeof *traffic);
    stepper z = {.a = shape, .b = pj_layout_of(shape), .values = values, .times = times, .traffic = traffic};
    const int status = allocate_state(&z) ? run(&z) : PJ_NO_MEMORY;
    free_state(&z);
    return status;
}
