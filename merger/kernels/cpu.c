/* The passes over whole tensors that a merge spends its time in, for CPUs. Built and called by kernels.py.

   Each function does what merger/methods/ops.py and merger/methods say in torch, operation by operation and in the same order, so
   that the bits are the same: no fused multiply-add (-ffp-contract=off), no reassociation (no -ffast-math), float32
   except where the torch code says float64. Everything works on blocks that stay in the first-level cache. */

#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#endif

#define BLOCK 512
#define LINE (BLOCK + 16) /* arrays whose distance is a multiple of 4 kB would be taken for each other by the store buffer */
#define GROUP 4096   /* what `total` folds at a time, and what is looked at for numbers that are not finite */
#define MOST 16      /* models */
#define AHEAD (1 << 20)
#define RUN 64         /* elements of a sample that lie side by side */

enum { FLOAT32 = 0, BFLOAT16 = 1, FLOAT16 = 2 };
enum { ALL = 0, NONE = 1, CUT = 2, RANDOM = 3, MASK = 4 };
enum { ADDED = 0, ELECTED = 1, MIXED = 2, ALONE = 3 };

typedef struct {
    const void *data;
    const uint8_t *mask;   /* MASK: a bit for each element */
    double keep, spread;   /* ranked: density and epsilon */
    int32_t kind;          /* how the data is stored */
    int32_t trim;
    uint32_t key0, key1;   /* of its random numbers */
    float low, low_room;   /* CUT: keep magnitudes above low, of those equal to it this share */
    float high, high_room; /* and drop those above high, of those equal to it this share */
    float density;         /* RANDOM */
    float scale, divide;   /* applied to what is kept */
    float weight;
    int64_t place;         /* where in `file` the data begin, in bytes */
    void *window;          /* what is read from `file` goes here: elements begin .. end */
    int64_t begin, end, room;
    int32_t file;          /* a file to read the data from; -1: they are in memory, or mapped */
    int32_t trouble;       /* the errno of a read that failed; the rest of the window is 0 then */
    int32_t odd;           /* NONE: an element of what is dropped is infinite or no number; all others show in what is made */
} source_t;

/* ---------------------------------------------------------------------------------------------- reading */

static inline int64_t size_of(int kind) { return kind == FLOAT32 ? 4 : 2; }

static inline float bits_to_float(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t float_to_bits(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

static void load(float *restrict to, const void *from, int kind, int64_t at, int n) {
    if (kind == BFLOAT16) {
        const uint16_t *restrict p = (const uint16_t *)from + at;
        for (int i = 0; i < n; i++) to[i] = bits_to_float((uint32_t)p[i] << 16);
    } else if (kind == FLOAT16) {
#ifdef __FLT16_MANT_DIG__
        const _Float16 *restrict p = (const _Float16 *)from + at;
        for (int i = 0; i < n; i++) to[i] = (float)p[i];
#endif
    } else {
        memcpy(to, (const float *)from + at, 4 * (size_t)n);
    }
}

/* The same minus b. */
static void load_less(float *restrict to, const float *restrict b, const void *from, int kind, int64_t at, int n) {
    if (kind == BFLOAT16) {
        const uint16_t *restrict p = (const uint16_t *)from + at;
        for (int i = 0; i < n; i++) to[i] = bits_to_float((uint32_t)p[i] << 16) - b[i];
    } else {
        load(to, from, kind, at, n);
        for (int i = 0; i < n; i++) to[i] -= b[i];
    }
}

/* Whether any of elements at .. at+n as they are stored is infinite or no number: the largest of their bits, but for the sign's,
   tells. */
static int odd(const void *data, int kind, int64_t at, int n) {
    if (kind == FLOAT32) {
        const uint32_t *restrict p = (const uint32_t *)data + at;
        uint32_t most = 0;
        for (int i = 0; i < n; i++) {
            const uint32_t word = p[i] & 0x7FFFFFFF;
            most = word > most ? word : most;
        }
        return most >= 0x7F800000;
    }
    const uint16_t *restrict p = (const uint16_t *)data + at;
    uint16_t most = 0;
    for (int i = 0; i < n; i++) {
        const uint16_t half = p[i] & 0x7FFF;
        most = half > most ? half : most;
    }
    return most >= (kind == BFLOAT16 ? 0x7F80 : 0x7C00);
}

int merger_odd(const void *data, int kind, int64_t n) {
    for (int64_t at = 0; at < n; at += 1 << 16)
        if (odd(data, kind, at, (int)(n - at < 1 << 16 ? n - at : 1 << 16))) return 1;
    return 0;
}

static void store(void *to, int kind, int64_t at, const float *restrict from, int n) {
    if (kind == BFLOAT16) {
        uint16_t *restrict p = (uint16_t *)to + at;
        for (int i = 0; i < n; i++) {
            uint32_t bits = float_to_bits(from[i]);
            uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
            p[i] = (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC0 : (uint16_t)rounded;
        }
    } else if (kind == FLOAT16) {
#ifdef __FLT16_MANT_DIG__
        _Float16 *restrict p = (_Float16 *)to + at;
        for (int i = 0; i < n; i++) p[i] = (_Float16)from[i];
#endif
    } else {
        memcpy((float *)to + at, from, 4 * (size_t)n);
    }
}

/* Where a file is read: ask for elements at .. at+n, and do not wait. */
static void ask(const source_t *s, int64_t at, int64_t n) {
#ifdef __linux__
    if (s->file >= 0 && n > 0)
        posix_fadvise(s->file, s->place + at * size_of(s->kind), n * size_of(s->kind), POSIX_FADV_WILLNEED);
#else
    (void)s; (void)at; (void)n;
#endif
}

/* Elements at .. at+n into the window. */
static void read_window(source_t *s, int64_t at, int64_t n) {
#ifdef __linux__
    const int64_t size = size_of(s->kind), whole = n * size;
    s->data = (char *)s->window - at * size;
    for (int64_t done = 0; done < whole;) {
        const ssize_t got = pread(s->file, (char *)s->window + done, (size_t)(whole - done), s->place + at * size + done);
        if (got > 0) { done += got; continue; }
        if (got < 0 && errno == EINTR) continue;
        s->trouble = got < 0 ? errno : EIO; /* the file is shorter than it was */
        memset((char *)s->window + done, 0, (size_t)(whole - done));
        return;
    }
#else
    (void)s; (void)at; (void)n;
#endif
}

/* Make elements at .. at+n of a tensor of `total` ready to load.

   Mapped: have the system map a stretch at once, as a fault for each page costs several times the arithmetic. Asking for the
   next stretch too (MADV_WILLNEED), or offering the last one (MADV_COLD), was measured to cost more than it gives.
   From a file: read the next window of it. Where memory is short mapped pages are dear to take back, those of a file are not. */
static void ahead(source_t *s, int64_t at, int64_t n, int64_t total) {
    if (s->file < 0) {
#ifdef __linux__
        if (at % AHEAD) return;
        uintptr_t first = (uintptr_t)s->data + (uintptr_t)(at * size_of(s->kind));
        uintptr_t end = first + (uintptr_t)((total - at < AHEAD ? total - at : AHEAD) * size_of(s->kind));
        first &= ~(uintptr_t)4095;
        madvise((void *)first, end - first, MADV_POPULATE_READ); /* older systems refuse, and fault as they go */
#endif
    } else if (at < s->begin || at + n > s->end) {
        s->begin = at;
        s->end = at + (total - at < s->room ? total - at : s->room);
        read_window(s, s->begin, s->end - s->begin);
        ask(s, s->end, total - s->end < s->room ? total - s->end : s->room);
    }
}

static void all_ahead(source_t *sources, int count, source_t *base, int64_t at, int64_t n, int64_t total) {
    for (int k = 0; k < count; k++) ahead(&sources[k], at, n, total);
    if (base) ahead(base, at, n, total);
}

/* Let go of elements that were read from a file and are done with: cheaper than the system looking for what to take back. */
static void behind(const source_t *s, int64_t first, int64_t n) {
#ifdef __linux__
    if (s->file >= 0) posix_fadvise(s->file, s->place + first * size_of(s->kind), n * size_of(s->kind), POSIX_FADV_DONTNEED);
#else
    (void)s; (void)first; (void)n;
#endif
}

/* Start writing a stretch of a file to the disk; `wait`: until it is there, and let go of its pages. */
void merger_settle(int file, int64_t offset, int64_t n, int wait) {
#ifdef __linux__
    if (!wait) {
        sync_file_range(file, offset, n, SYNC_FILE_RANGE_WRITE);
    } else {
        sync_file_range(file, offset, n, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        posix_fadvise(file, offset, n, POSIX_FADV_DONTNEED);
    }
#else
    (void)file; (void)offset; (void)n; (void)wait;
#endif
}

/* ---------------------------------------------------------------------------------------------- random numbers */

/* Draws.uniform: numbers in [0, 1) that depend on the key and the element's index alone. */
static void uniform(float *restrict to, uint32_t key0, uint32_t key1, int64_t at, int n) {
    const uint32_t first = (uint32_t)at + key0;
    const uint32_t second = key1 + (uint32_t)(at >> 32) * 0x9E3779B9u;
    for (int i = 0; i < n; i++) {
        uint32_t x = (uint32_t)i + first;
        x ^= x >> 16;
        x *= 0x7FEB352Du;
        x ^= x >> 15;
        x += second;
        x *= 0x846CA68Bu;
        x ^= x >> 16;
        to[i] = (float)(int32_t)(x >> 8) * 0x1p-24f;
    }
}

void merger_uniform(float *to, uint32_t key0, uint32_t key1, int64_t at, int64_t n) {
    for (int64_t i = 0; i < n; i += BLOCK) uniform(to + i, key0, key1, at + i, (int)(n - i < BLOCK ? n - i : BLOCK));
}

/* ---------------------------------------------------------------------------------------------- trims */

/* Zero what a source's trim drops, and scale the rest. u: room for random numbers; `drawn`: whose are in it already. */
static const source_t *trim(float *restrict x, const source_t *s, int64_t at, int n, float *restrict u, const source_t *drawn) {
    const int draws = s->trim == RANDOM || (s->trim == CUT && (s->low_room < 1 || s->high != INFINITY || s->high_room > 0));
    if (draws && !(drawn && drawn->key0 == s->key0 && drawn->key1 == s->key1)) {
        uniform(u, s->key0, s->key1, at, n);
        drawn = s;
    }
    if (s->trim == NONE) {
        memset(x, 0, 4 * (size_t)n);
    } else if (s->trim == CUT) {
        const float low = s->low, high = s->high, low_room = s->low_room, high_room = s->high_room;
        if (!draws) {
            for (int i = 0; i < n; i++) x[i] *= fabsf(x[i]) >= low ? 1.0f : 0.0f;
        } else if (high == INFINITY && !(high_room > 0)) { /* no other cut: nothing is above it */
            for (int i = 0; i < n; i++) {
                const float size = fabsf(x[i]);
                x[i] *= (size > low) | ((size == low) & (u[i] < low_room)) ? 1.0f : 0.0f;
            }
        } else {
            for (int i = 0; i < n; i++) {
                const float size = fabsf(x[i]);
                const int above = (size > low) | ((size == low) & (u[i] < low_room));
                const int over = (size > high) | ((size == high) & (u[i] < high_room));
                x[i] *= (above & !over) ? 1.0f : 0.0f;
            }
        }
    } else if (s->trim == RANDOM) {
        const float density = s->density;
        for (int i = 0; i < n; i++) x[i] *= u[i] < density ? 1.0f : 0.0f;
    } else if (s->trim == MASK) {
        const uint8_t *mask = s->mask;
        for (int i = 0; i < n; i++) x[i] *= (float)((mask[(at + i) >> 3] >> ((at + i) & 7)) & 1);
    }
    if (s->scale != 1.0f) for (int i = 0; i < n; i++) x[i] *= s->scale;
    if (s->divide != 1.0f) for (int i = 0; i < n; i++) x[i] /= s->divide;
    return drawn;
}

/* ---------------------------------------------------------------------------------------------- exact sums */

static void fold(double *restrict v, int width) {
    for (int half = width / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
}

/* The rest of `total`, from the sums of its first groups. */
static double tree(double *sums, int64_t m) {
    double v[GROUP];
    while (m > 1) {
        int width = 1;
        while (width < m && width < GROUP) width *= 2;
        int64_t groups = (m + width - 1) / width;
        for (int64_t g = 0; g < groups; g++) {
            int64_t size = m - g * width < width ? m - g * width : width;
            memcpy(v, sums + g * width, 8 * (size_t)size);
            for (int64_t i = size; i < width; i++) v[i] = 0;
            fold(v, width);
            sums[g] = v[0];
        }
        m = groups;
    }
    return m ? sums[0] : 0;
}

static int width_for(int64_t n) {
    int width = 1;
    while (width < n && width < GROUP) width *= 2;
    return width;
}

/* A group's p * p, p * q and q * q, each added up as `fold` does; to sums[0], sums[step] and sums[2 * step]. */
static void pair_of(const float *restrict p, const float *restrict q, double *sums, int64_t step) {
    double v[3][GROUP / 4];
    const int h = GROUP / 4;
    for (int i = 0; i < h; i++) {
        const double a = p[i], b = p[i + h], c = p[i + 2 * h], d = p[i + 3 * h];
        const double e = q[i], f = q[i + h], g = q[i + 2 * h], k = q[i + 3 * h];
        v[0][i] = (a * a + c * c) + (b * b + d * d);
        v[1][i] = (a * e + c * g) + (b * f + d * k);
        v[2][i] = (e * e + g * g) + (f * f + k * k);
    }
    for (int pair = 0; pair < 3; pair++) {
        fold(v[pair], h);
        sums[pair * step] = v[pair][0];
    }
}

/* The dot products of all pairs of (source - base), (count, count), each as `total` adds it up. -1: out of memory. */
int merger_products(source_t *sources, int count, source_t *base, int64_t n, double *out) {
    const int pairs = count * (count + 1) / 2, width = width_for(n);
    const int64_t groups = (n + width - 1) / width;
    double *sums = malloc(8 * (size_t)(pairs * groups + 1));
    float *x = malloc(4 * (size_t)GROUP * (size_t)(count + 1));
    if (!sums || !x) { free(sums); free(x); return -1; }
    double v[GROUP];
    for (int64_t g = 0; g < groups; g++) {
        const int64_t at = g * width;
        const int size = (int)(n - at < width ? n - at : width);
        all_ahead(sources, count, base, at, size, n);
        float *restrict b = x + GROUP * count;
        if (base) load(b, base->data, base->kind, at, size);
        for (int k = 0; k < count; k++) {
            float *restrict d = x + GROUP * k;
            load(d, sources[k].data, sources[k].kind, at, size);
            if (base) for (int i = 0; i < size; i++) d[i] -= b[i];
        }
        if (count == 2 && size == GROUP) { /* the first two folds of all three while the numbers are in registers */
            pair_of(x, x + GROUP, sums + g, groups);
            continue;
        }
        int pair = 0;
        for (int k = 0; k < count; k++)
            for (int l = k; l < count; l++, pair++) {
                const float *restrict p = x + GROUP * k, *restrict q = x + GROUP * l;
                for (int i = 0; i < size; i++) v[i] = (double)p[i] * (double)q[i];
                for (int i = size; i < width; i++) v[i] = 0;
                fold(v, width);
                sums[pair * groups + g] = v[0];
            }
    }
    int pair = 0;
    for (int k = 0; k < count; k++)
        for (int l = k; l < count; l++, pair++)
            out[k * count + l] = out[l * count + k] = tree(sums + pair * groups, groups);
    free(sums);
    free(x);
    return 0;
}

/* Sums of magnitudes of one source's delta, before its trim and after it. -1: out of memory. */
int merger_lengths(source_t *source, source_t *base, int64_t n, double *before, double *after) {
    const int width = width_for(n);
    const int64_t groups = (n + width - 1) / width;
    double *sums = malloc(8 * (size_t)(2 * groups + 1));
    if (!sums) return -1;
    double v[GROUP];
    float d[GROUP], b[GROUP], u[BLOCK];
    for (int64_t g = 0; g < groups; g++) {
        const int64_t at = g * width;
        const int size = (int)(n - at < width ? n - at : width);
        all_ahead(source, 1, base, at, size, n);
        load(d, source->data, source->kind, at, size);
        if (base) {
            load(b, base->data, base->kind, at, size);
            for (int i = 0; i < size; i++) d[i] -= b[i];
        }
        for (int i = 0; i < size; i++) v[i] = (double)fabsf(d[i]);
        for (int i = size; i < width; i++) v[i] = 0;
        fold(v, width);
        sums[g] = v[0];
        for (int i = 0; i < size; i += BLOCK) trim(d + i, source, at + i, size - i < BLOCK ? size - i : BLOCK, u, NULL);
        for (int i = 0; i < size; i++) v[i] = (double)fabsf(d[i]);
        for (int i = size; i < width; i++) v[i] = 0;
        fold(v, width);
        sums[groups + g] = v[0];
    }
    *before = tree(sums, groups);
    *after = tree(sums + groups, groups);
    free(sums);
    return 0;
}

/* ---------------------------------------------------------------------------------------------- the k-th magnitude */

static void magnitudes(float *restrict d, float *restrict b, const source_t *s, const source_t *base, int64_t at, int n) {
    load(d, s->data, s->kind, at, n);
    if (base) {
        load(b, base->data, base->kind, at, n);
        for (int i = 0; i < n; i++) d[i] = fabsf(d[i] - b[i]);
    } else {
        for (int i = 0; i < n; i++) d[i] = fabsf(d[i]);
    }
}

/* Those of RUN elements anywhere. */
static void sample(float *restrict d, float *restrict b, const source_t *s, const source_t *base, int64_t at) {
    source_t from = *s, under = base ? *base : *s;
    if (s->file >= 0) read_window(&from, at, RUN); /* the windows hold nothing yet */
    if (base && base->file >= 0) read_window(&under, at, RUN);
    magnitudes(d, b, &from, base ? &under : NULL, at, RUN);
}

/* The k-th largest of m magnitudes, by their bits, 11 + 11 + 10 at a time; how many lie above it and at it. */
static float select_largest(const float *values, int64_t m, int64_t k, int64_t *above, int64_t *at) {
    uint32_t prefix = 0, fixed = 0;
    int64_t over = 0;
    const int shifts[3] = {21, 10, 0}, bits[3] = {11, 11, 10};
    int64_t *counts = calloc(2048, 8);
    if (!counts) return NAN;
    for (int level = 0; level < 3; level++) {
        const int shift = shifts[level];
        const uint32_t low = (1u << bits[level]) - 1;
        memset(counts, 0, 2048 * 8);
        for (int64_t i = 0; i < m; i++) {
            const uint32_t word = float_to_bits(values[i]);
            if ((word & fixed) == prefix) counts[(word >> shift) & low]++;
        }
        uint32_t bin = low;
        while (over + counts[bin] < k && bin) over += counts[bin--];
        prefix |= bin << shift;
        fixed |= low << shift;
        *at = counts[bin];
    }
    *above = over;
    free(counts);
    return bits_to_float(prefix);
}

/* The same over a whole tensor without holding it: a histogram of the upper 16 bits, then one of the lower 15. */
static float by_histograms(source_t *s, source_t *base, int64_t n, int64_t k, int64_t *above, int64_t *at) {
    int64_t *counts = calloc(1 << 16, 8), over = 0;
    if (!counts) return NAN;
    uint32_t prefix = 0;
    float d[BLOCK], b[BLOCK];
    for (int level = 0; level < 2; level++) {
        memset(counts, 0, (1 << 16) * 8);
        for (int64_t start = 0; start < n; start += BLOCK) {
            const int size = (int)(n - start < BLOCK ? n - start : BLOCK);
            all_ahead(s, 1, base, start, size, n);
            magnitudes(d, b, s, base, start, size);
            for (int i = 0; i < size; i++) {
                const uint32_t word = float_to_bits(d[i]);
                if (level == 0) counts[word >> 15]++;
                else if (word >> 15 == prefix) counts[word & 0x7FFF]++;
            }
        }
        uint32_t bin = level == 0 ? 0xFFFF : 0x7FFF;
        while (over + counts[bin] < k && bin) over += counts[bin--];
        prefix = level == 0 ? bin : (prefix << 15 | bin);
        *at = counts[bin];
    }
    *above = over;
    free(counts);
    return bits_to_float(prefix);
}

/* Magnitudes by their bits: an order of all of them, what is no number first. */
static int descending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Magnitudes of short runs, so that few pages are touched, sorted from the largest; their places step by the golden ratio, which
   lines up with no row length. Returns how many. */
#define MOST_SAMPLED (256 * RUN)
static int sampled(float *to, const source_t *s, const source_t *base, int64_t n, int runs) {
    float other[RUN];
    for (int taken = 0; taken < 2; taken++) /* ask for all first */
        for (int i = 0; i < runs; i++) {
            const uint64_t step = (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u;
            const int64_t at = (int64_t)(((unsigned __int128)step * (uint64_t)(n - RUN)) >> 64);
            if (taken) sample(to + i * RUN, other, s, base, at);
            else { ask(s, at, RUN); if (base) ask(base, at, RUN); }
        }
    qsort(to, (size_t)(runs * RUN), 4, descending);
    return runs * RUN;
}

static int runs_for(int64_t n) { return n < 1 << 20 ? 128 : 256; }

/* A cut that is not known yet, the k-th magnitude of a source's delta (k from 1), and what it lies between: what is above `high`,
   or at it with a random number below high_room, stays; what is below `low`, or at it with one from low_room on, goes; the rest is
   open. Then what a pass has counted, and what follows. */
typedef struct {
    int64_t k;
    int64_t over, top, bottom, inside; /* elements above high, at it, at low, between */
    int64_t room;
    float *found;                      /* the magnitudes between, `room` at most */
    int64_t above, at;                 /* how many lie above the cut and at it */
    float cut;                         /* NaN: it does not lie there */
    float low, low_room, high, high_room;
} bracket_t;

/* The bracket from a sample: of the k-th magnitude of many, with more than five standard errors to each side. */
static void guess(bracket_t *q, const float *sample, int m, int64_t n) {
    const double p = (double)q->k / (double)n, slack = 6 * sqrt(m * p * (1 - p)) + 2; /* neighbours are somewhat alike */
    const double ends[2] = {p * m - slack, p * m + slack};
    float value[2] = {INFINITY, 0}, room[2] = {0, 1};
    for (int e = 0; e < 2; e++) {
        if (ends[e] < 0 || ends[e] >= m - 1) continue;
        int first = (int)ends[e], last = first + 1;
        value[e] = sample[first];
        while (first > 0 && sample[first - 1] == value[e]) first--;
        while (last < m && sample[last] == value[e]) last++;
        const double share = (ends[e] - first) / (last - first) * 0x1p20; /* in steps that stay exact when k is added */
        room[e] = (float)((e ? ceil(share) : floor(share)) * 0x1p-20);
    }
    q->high = value[0];
    q->high_room = room[0];
    q->low = value[1];
    q->low_room = room[1] > 0 ? room[1] : 0x1p-20f;
}

/* Ready to count; 0: out of memory. `found` is to be freed. */
static int begun(bracket_t *q, int64_t n) {
    q->over = q->top = q->bottom = q->inside = q->above = q->at = 0;
    q->cut = NAN;
    q->room = n < 65536 ? n + BLOCK : 65536 + (n / 8 < (1 << 22) ? n / 8 : 1 << 22);
    q->found = malloc(4 * (size_t)q->room);
    return q->found != NULL;
}

/* Count a block of deltas; d has room for whole RUNs. */
static void counted(bracket_t *q, float *restrict d, int size) {
    const float low = q->low, high = q->high;
    for (int i = size; i < (size + RUN - 1) / RUN * RUN; i++) d[i] = NAN;
    int32_t larger = 0, at_high = 0, at_low = 0;
    for (int i = 0; i < size; i++) {
        const float s = fabsf(d[i]);
        larger += !(s <= high); /* what is no number counts as the largest, as in torch */
        at_high += s == high;
        at_low += s == low;
    }
    q->over += larger;
    q->top += at_high;
    q->bottom += at_low;
    float *restrict found = q->found;
    int64_t inside = q->inside;
    for (int first = 0; first < size; first += RUN) { /* in most runs nothing is between */
        int32_t any = 0;
        for (int i = first; i < first + RUN; i++) any += (fabsf(d[i]) > low) & (fabsf(d[i]) < high);
        if (any) for (int i = first; i < first + RUN; i++) {
            const float s = fabsf(d[i]);
            found[inside] = s;
            inside += (s > low) & (s < high);
        }
    }
    q->inside = inside;
}

/* What follows from the counts of a whole tensor. */
static void decide(bracket_t *q) {
    const int64_t k = q->k, over = q->over, top = q->top, inside = q->inside;
    if (over >= k) return;
    if (k <= over + top) {
        q->cut = q->high;
        q->above = over;
        q->at = top;
    } else if (k <= over + top + inside) {
        q->cut = select_largest(q->found, inside, k - over - top, &q->above, &q->at);
        q->above += over + top;
    } else if (q->low < q->high && k <= over + top + inside + q->bottom) {
        q->cut = q->low;
        q->above = over + top + inside;
        q->at = q->bottom;
    }
}

/* The k-th largest magnitude (k from 1) of source - base, how many lie above it and how many at it; exact.

   A sample gives a bracket, one pass counts what lies above it and at its ends and collects what lies between, and the counts
   prove that the k-th is there. If they do not, or too much lies between, histograms decide. The caller may bring a bracket
   (low <= high) it knows to be good; otherwise low > high. None at the k-th: out of memory. */
float merger_kth(
    source_t *s, source_t *base, int64_t n, int64_t k, float low, float high, int64_t *above, int64_t *at
) {
    bracket_t q = {.k = k, .low = low, .high = high};
    *above = *at = 0;
    if (!begun(&q, n)) return NAN;
    if (n < 65536) {
        q.low = 0;
        q.high = INFINITY;
    } else if (low > high) {
        guess(&q, q.found, sampled(q.found, s, base, n, runs_for(n)), n);
    }
    float d[LINE], b[LINE];
    int64_t start = 0;
    for (; start < n && q.inside + BLOCK <= q.room; start += BLOCK) {
        const int size = (int)(n - start < BLOCK ? n - start : BLOCK);
        all_ahead(s, 1, base, start, size, n);
        magnitudes(d, b, s, base, start, size);
        counted(&q, d, size);
    }
    if (start >= n) decide(&q);
    free(q.found);
    if (q.cut != q.cut) return by_histograms(s, base, n, k, above, at);
    *above = q.above;
    *at = q.at;
    return q.cut;
}

/* Up to `room` magnitudes (at most 255, from the smallest), and exactly how many elements lie above and at each: the commonest,
   as changes of coarsely stored weights take few values, and some at even distances. Returns how many; n >= 65536. -1: out of memory. */
int merger_ladder(source_t *s, source_t *base, int64_t n, int room, float *steps, uint32_t *above, uint32_t *at) {
    float *found = malloc(4 * MOST_SAMPLED);
    int32_t *times = calloc(MOST_SAMPLED, 4);
    uint8_t *first = malloc(1 << 16);
    if (!found || !times || !first) { free(found); free(times); free(first); return -1; }
    const int m = sampled(found, s, base, n, runs_for(n)), fill = room / 4;
    memset(first, 0, 1 << 16); /* which bins of the pattern have a step: one at most */
    int distinct = 0, count = 0;
    float quantiles[64];
    for (int i = 0; i < fill && i < 64; i++) quantiles[i] = found[(int64_t)(2 * i + 1) * m / (2 * fill)];
    for (int i = 0; i < m; i++) {
        if (distinct && found[distinct - 1] == found[i]) times[distinct - 1]++;
        else { found[distinct] = found[i]; times[distinct++] = 1; }
    }
    while (count < room) {
        float value = 0;
        int most = 3; /* seen less often: chance */
        for (int i = 0; i < distinct; i++)
            if (times[i] > most && !first[float_to_bits(found[i]) >> 15]) { most = times[i]; value = found[i]; }
        if (most == 3 || count >= room - fill) break;
        first[float_to_bits(value) >> 15] = 1;
        steps[count++] = value;
    }
    for (int i = 0; i < fill && i < 64; i++)
        if (!first[float_to_bits(quantiles[i]) >> 15]) {
            first[float_to_bits(quantiles[i]) >> 15] = 1;
            steps[count++] = quantiles[i];
        }
    qsort(steps, (size_t)count, 4, descending);
    for (int i = 0; i < count / 2; i++) { float x = steps[i]; steps[i] = steps[count - 1 - i]; steps[count - 1 - i] = x; }
    uint32_t words[256], bin = 0;
    for (int i = 0; i < count; i++) {
        words[i] = float_to_bits(steps[i]);
        for (; bin <= words[i] >> 15; bin++) first[bin] = (uint8_t)i; /* the first step in this bin or above */
    }
    words[count] = UINT32_MAX;
    for (; bin < 1 << 16; bin++) first[bin] = (uint8_t)count;
    uint32_t slots[4][2 * 256];
    memset(slots, 0, sizeof slots);
    float d[LINE], b[LINE];
    for (int64_t start = 0; start < n; start += BLOCK) {
        const int size = (int)(n - start < BLOCK ? n - start : BLOCK);
        all_ahead(s, 1, base, start, size, n);
        magnitudes(d, b, s, base, start, size);
        for (int i = 0; i < size; i++) {
            const uint32_t word = float_to_bits(d[i]), j = first[word >> 15];
            slots[i & 3][2 * j + (word >= words[j]) + (word > words[j])]++;
        }
    }
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) sum += slots[i][2 * count];
    for (int j = count - 1; j >= 0; j--) {
        at[j] = slots[0][2 * j + 1] + slots[1][2 * j + 1] + slots[2][2 * j + 1] + slots[3][2 * j + 1];
        above[j] = sum;
        sum += at[j] + slots[0][2 * j] + slots[1][2 * j] + slots[2][2 * j] + slots[3][2 * j];
    }
    free(found);
    free(times);
    free(first);
    return count;
}

/* ---------------------------------------------------------------------------------------------- ranks in rows */

/* DELLA: which elements stay, a bit each, when the keep probability rises with the rank in the row. -1: out of memory. */
int merger_ranked(source_t *s, source_t *base, int64_t n, int64_t row, uint8_t *mask) {
    float *size = malloc(4 * (size_t)row), *b = malloc(4 * (size_t)row);
    uint32_t *key = malloc(8 * (size_t)row), *other_key = key + row;
    uint32_t *place = malloc(8 * (size_t)row), *other_place = place + row;
    if (!size || !b || !key || !place) { free(size); free(b); free(key); free(place); return -1; }
    memset(mask, 0, (size_t)((n + 7) / 8));
    for (int64_t start = 0; start < n; start += row) {
        if (s->file >= 0) ahead(s, start, row, n);
        else if (start % AHEAD < row) ahead(s, start - start % AHEAD, row, n);
        if (base && base->file >= 0) ahead(base, start, row, n);
        else if (base && start % AHEAD < row) ahead(base, start - start % AHEAD, row, n);
        uint32_t counts[4][256];
        memset(counts, 0, sizeof counts);
        for (int64_t i = 0; i < row; i += BLOCK)
            magnitudes(size + i, b + i, s, base, start + i, (int)(row - i < BLOCK ? row - i : BLOCK));
        for (int64_t i = 0; i < row; i++) {
            const uint32_t word = float_to_bits(size[i]);
            key[i] = word;
            place[i] = (uint32_t)i;
            counts[0][word & 255]++; counts[1][word >> 8 & 255]++; counts[2][word >> 16 & 255]++; counts[3][word >> 24]++;
        }
        for (int level = 0; level < 4; level++) {
            uint32_t *count = counts[level], sum = 0;
            if (count[key[0] >> (8 * level) & 255] == (uint32_t)row) continue; /* all the same here */
            for (int i = 0; i < 256; i++) { const uint32_t c = count[i]; count[i] = sum; sum += c; }
            for (int64_t i = 0; i < row; i++) {
                const uint32_t to = count[key[i] >> (8 * level) & 255]++;
                other_key[to] = key[i];
                other_place[to] = place[i];
            }
            uint32_t *swap = key; key = other_key; other_key = swap;
            swap = place; place = other_place; other_place = swap;
        }
        float *restrict u = b; /* the base's row is done with */
        merger_uniform(u, s->key0, s->key1, start, row);
        for (int64_t i = 0, end; i < row; i = end) {
            for (end = i + 1; end < row && key[end] == key[i];) end++;
            const double rank = (double)(i + end - 1) / 2;
            const double share = row > 1 ? rank / (double)(row - 1) : rank + 0.5;
            double keep = s->keep + s->spread * (2 * share - 1);
            keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
            for (int64_t j = i; j < end; j++) {
                const int64_t at = start + place[j];
                mask[at >> 3] |= (uint8_t)(((double)u[place[j]] < keep) << (at & 7));
            }
        }
    }
    free(size);
    free(b);
    free(key < other_key ? key : other_key);
    free(place < other_place ? place : other_place);
    return 0;
}

/* ---------------------------------------------------------------------------------------------- combining */

/* How sources become one tensor.

   mode     ADDED: sum of weight * kept, over `divide`. ELECTED: of those that agree with the sign of the sum, over the sum
            of their weights if `normalize` and that is more than `least`. MIXED: sources[0] plus weighted differences to it,
            `rest` times itself. ALONE: sources[0] times its weight, its zeros with their signs
   add_base whether the base, which is subtracted from the sources, is added to the result
   odd      something that was made is infinite or no number, as it is stored */
typedef struct {
    int32_t mode, normalize, add_base;
    float divide, lambda, depth, rest, least;
    int32_t odd;
} how_t;

/* Sums of weighted deltas x of K models; ELECTED: of those that agree with the sign of the sum. K, `elected` and `normalize` are
   known where this is compiled in, so that what belongs to an element stays in registers. */
#define EACH _Pragma("GCC unroll 4") for (int k = 0; k < K; k++)
static inline __attribute__((always_inline)) void summed(
    const int K, const int elected, const int normalize, float (*restrict x)[LINE], const float *weights, float divide, float least,
    float *restrict merged, int n
) {
    float w[MOST];
    for (int k = 0; k < K; k++) w[k] = weights[k];
    for (int i = 0; i < n; i++) {
        float v[MOST], sum = 0, below = 0;
        EACH { v[k] = x[k][i] * w[k]; sum += v[k]; }
        if (elected) {
            const float side = sum < 0 ? -1.0f : 1.0f;
            sum = 0;
            EACH {
                const float agree = v[k] * side > 0 ? 1.0f : 0.0f;
                sum += v[k] * agree;
                below += w[k] * agree;
            }
            if (normalize) sum /= fabsf(below) > least ? below : 1.0f;
        } else if (normalize) {
            sum /= divide;
        }
        merged[i] = sum;
    }
}

static inline __attribute__((always_inline)) void summed_of(
    const int K, const how_t *how, float (*restrict x)[LINE], const float *w, float *restrict merged, int n
) {
    const float divide = how->divide, least = how->least;
    if (how->mode == ELECTED && how->normalize) summed(K, 1, 1, x, w, divide, least, merged, n);
    else if (how->mode == ELECTED) summed(K, 1, 0, x, w, divide, least, merged, n);
    else if (divide != 1.0f) summed(K, 0, 1, x, w, divide, least, merged, n);
    else summed(K, 0, 0, x, w, divide, least, merged, n);
}

/* x[0] plus weighted differences to it, `rest` times itself. */
static inline __attribute__((always_inline)) void mixed(
    const int K, float (*restrict x)[LINE], const float *weights, float rest, float *restrict merged, int n
) {
    float w[MOST];
    for (int k = 0; k < K; k++) w[k] = weights[k];
    for (int i = 0; i < n; i++) {
        const float main = x[0][i];
        float sum = rest * main;
        EACH if (k) sum += w[k] * (x[k][i] - main);
        merged[i] = main + sum;
    }
}

/* A block of deltas x (or weights), which are overwritten, to merged elements. */
static void combined(
    const how_t *how, const source_t *sources, int count, float (*restrict x)[LINE], const float *restrict b, float *restrict u,
    int64_t at, float *restrict merged, int size
) {
    float w[MOST];
    const source_t *drawn = NULL; /* whose random numbers are in u already */
    for (int k = 0; k < count; k++) {
        w[k] = sources[k].weight;
        if (how->mode != MIXED) drawn = trim(x[k], &sources[k], at, size, u, drawn);
    }
    if (how->mode == ALONE) {
        for (int i = 0; i < size; i++) merged[i] = x[0][i] * w[0];
    } else if (how->mode == MIXED) {
        switch (count) {
            case 2: mixed(2, x, w, how->rest, merged, size); break;
            case 3: mixed(3, x, w, how->rest, merged, size); break;
            default: mixed(count, x, w, how->rest, merged, size);
        }
    } else {
        switch (count) {
            case 1: summed_of(1, how, x, w, merged, size); break;
            case 2: summed_of(2, how, x, w, merged, size); break;
            case 3: summed_of(3, how, x, w, merged, size); break;
            case 4: summed_of(4, how, x, w, merged, size); break;
            default: summed_of(count, how, x, w, merged, size);
        }
        if (how->lambda != 1.0f) for (int i = 0; i < size; i++) merged[i] = how->lambda * merged[i];
    }
    if (how->depth != 1.0f) for (int i = 0; i < size; i++) merged[i] = how->depth * merged[i];
    if (how->add_base) for (int i = 0; i < size; i++) merged[i] = b[i] + merged[i];
}

/* A block of deltas (without a base: of weights). */
static void load_block(float (*restrict x)[LINE], float *restrict b, const source_t *sources, int count, const source_t *base, int64_t at, int n) {
    if (base) load(b, base->data, base->kind, at, n);
    for (int k = 0; k < count; k++) {
        if (base) load_less(x[k], b, sources[k].data, sources[k].kind, at, n);
        else load(x[k], sources[k].data, sources[k].kind, at, n);
    }
}

/* Make elements at .. at+n of all inputs ready. What is not finite in them makes what is made of it so: infinity and what is no
   number stay that times 0, in a sum and in a vote. Only of what is dropped whole it would not be seen. */
static void all_seen(source_t *sources, int count, source_t *base, int64_t at, int n, int64_t total) {
    all_ahead(sources, count, base, at, n, total);
    for (int k = 0; k < count; k++)
        if (sources[k].trim == NONE) sources[k].odd |= odd(sources[k].data, sources[k].kind, at, n);
}

/* The merged elements first .. first+n of a tensor of `total` into `out`, which begins with the first of them. */
void merger_combine(
    void *out, int out_kind, how_t *how, source_t *sources, int count, source_t *base, int64_t first, int64_t n, int64_t total
) {
    float b[LINE], merged[LINE], u[LINE], x[MOST][LINE];
    for (int64_t group = 0; group < n; group += GROUP) {
        const int64_t end = n - group < GROUP ? n : group + GROUP;
        all_seen(sources, count, base, first + group, (int)(end - group), total);
        for (int64_t start = group; start < end; start += BLOCK) {
            const int64_t at = first + start;
            const int size = (int)(end - start < BLOCK ? end - start : BLOCK);
            load_block(x, b, sources, count, base, at, size);
            combined(how, sources, count, x, b, u, at, merged, size);
            store(out, out_kind, start, merged, size);
        }
        how->odd |= odd(out, out_kind, group, (int)(end - group));
    }
    for (int k = 0; k < count; k++) behind(&sources[k], first, n);
    if (base) behind(base, first, n);
}

/* Blocks of 32 numbers as ggml's q8_0 has them: a scale in float16, and 32 whole numbers, halves away from zero. Returns 0 where
   this compiler knows no float16. A scale so small that its inverse is infinite gives zeros. */
int merger_q8_0(uint8_t *restrict to, const void *from, int kind, int64_t blocks) {
#ifdef __FLT16_MANT_DIG__
    float x[BLOCK];
    for (int64_t first = 0; first < blocks; first += BLOCK / 32) {
        const int count = (int)(blocks - first < BLOCK / 32 ? blocks - first : BLOCK / 32);
        load(x, from, kind, 32 * first, 32 * count);
        for (int block = 0; block < count; block++, to += 34) {
            const float *restrict own = x + 32 * block;
            uint32_t most = 0; /* magnitudes are in the order of their bits, and a largest whole number is found in vectors */
            for (int i = 0; i < 32; i++) {
                const uint32_t size = float_to_bits(own[i]) & 0x7fffffff;
                most = size > most ? size : most;
            }
            const float scale = bits_to_float(most) / 127, inverse = scale != 0 ? 1 / scale : 0;
            const _Float16 half = (_Float16)scale;
            int32_t near[32];
            int8_t q[32];
            for (int i = 0; i < 32; i++) {
                const uint32_t number = float_to_bits(own[i] * inverse), size = number & 0x7fffffff;
                const float held = bits_to_float(size & -(uint32_t)(size < 0x43000000)); /* below 128, else 0 */
                const int32_t whole = (int32_t)held, up = whole + (held - (float)whole >= 0.5f), sign = -(int32_t)(number >> 31);
                near[i] = (up ^ sign) - sign;
            }
            for (int i = 0; i < 32; i++) q[i] = (int8_t)near[i];
            memcpy(to, &half, 2);
            memcpy(to + 2, q, 32);
        }
    }
    return 1;
#else
    (void)to; (void)from; (void)kind; (void)blocks;
    return 0;
#endif
}

int merger_has_float16(void) {
#ifdef __FLT16_MANT_DIG__
    return 1;
#else
    return 0;
#endif
}

int64_t merger_source_size(void) { return sizeof(source_t) + sizeof(how_t); }

/* ---------------------------------------------------------------------------------------------- mapped files that are cut short

   Touching a page of a mapped file that the file no longer has, or that the disk does not give, is a SIGBUS, which ends the
   process without a word. Here such a page of a watched mapping, and all behind it, become zeros, and the mapping is noted as
   lost: who computes with it asks afterwards. Other addresses go to the handler that was there before. The handler takes no
   lock and no memory: a table of fixed size, and one call of the system. */

#if defined(__linux__) || defined(__APPLE__)
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define WATCHED 16384

static struct { _Atomic uintptr_t begin, end; _Atomic int lost; } watched[WATCHED]; /* end 0: free */
static struct sigaction before;
static uintptr_t page_size;

static void pass_on(int number, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else { /* as if we had never been here */
        sigaction(SIGBUS, &before, NULL);
        raise(SIGBUS);
    }
}

static void on_bus(int number, siginfo_t *info, void *context) {
    const uintptr_t at = (uintptr_t)info->si_addr;
    for (int i = 0; info->si_code > 0 && i < WATCHED; i++) { /* above 0: of the system, not sent by a process */
        const uintptr_t begin = watched[i].begin, end = watched[i].end;
        if (at < begin || at >= end) continue;
        const uintptr_t first = at & ~(page_size - 1);
        const int error = errno;
        watched[i].lost = 1; /* before anybody can read a zero */
        void *zeros = mmap((void *)first, end - first, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        errno = error;
        if (zeros != MAP_FAILED) return;
        break;
    }
    pass_on(number, info, context);
}

/* Watch a mapping of n bytes, among `most` at a time: its number, or -1. Not for threads at once. */
int merger_watch(void *data, int64_t n, int most) {
    if (!page_size) {
        struct sigaction own;
        memset(&own, 0, sizeof own);
        own.sa_sigaction = on_bus;
        own.sa_flags = SA_SIGINFO | SA_RESTART;
        sigemptyset(&own.sa_mask);
        page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
        if (sigaction(SIGBUS, &own, &before)) { page_size = 0; return -1; }
    }
    for (int i = 0; i < WATCHED && i < most; i++) {
        if (watched[i].end) continue;
        watched[i].lost = 0;
        watched[i].begin = (uintptr_t)data;
        watched[i].end = ((uintptr_t)data + (uintptr_t)n + page_size - 1) & ~(page_size - 1);
        return i;
    }
    return -1;
}

/* Where it stands whether a mapping is lost. */
int *merger_lost(int number) { return (int *)&watched[number].lost; }

void merger_unwatch(int number) { watched[number].end = 0; }
#else
int merger_watch(void *data, int64_t n, int most) { (void)data; (void)n; (void)most; return -1; }
int *merger_lost(int number) { (void)number; return 0; }
void merger_unwatch(int number) { (void)number; }
#endif
