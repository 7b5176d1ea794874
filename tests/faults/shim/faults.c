/* Faults of a machine, preloaded into a process under test and ordered from outside.
 *
 * FAULT_ORDERS names a file of four 64-bit numbers that is mapped and looked at in every call:
 *
 *   0  seconds by which the wall clock is off
 *   1  milliseconds that forcing to disk takes longer
 *   2  which files cannot grow, as if there were no space left: bit 0 for those whose path holds
 *      the first part of FAULT_FULL, bit 1 for the second and so on; ":" lies between parts
 *   3  how often one of these faults was felt, counted here for who ordered it (not the clock)
 *
 * The monotonic clock stays as it is: a step of the wall clock does not move it either.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_SECONDS, SYNC_MILLISECONDS, DISK_FULL, FELT, ORDERS };

static const volatile int64_t nothing[ORDERS];
static const volatile int64_t *orders = nothing;
static volatile int64_t *felt;
static const char *full_paths = "";

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_orders(void)
{
    const char *name = getenv("FAULT_ORDERS");
    /* A copy: PostgreSQL writes the titles of its processes over its environment. */
    if (getenv("FAULT_FULL")) full_paths = strdup(getenv("FAULT_FULL"));
    if (!name) return;
    int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        perror(name);
        _exit(127);
    }
    void *mapped = mmap(NULL, ORDERS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) {
        perror(name);
        _exit(127);
    }
    orders = mapped;
    felt = (volatile int64_t *)mapped + FELT;
}

static void feel(void)
{
    if (felt) __atomic_add_fetch(felt, 1, __ATOMIC_RELAXED);
}

/* --- The wall clock --------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int result = real ? real(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += orders[CLOCK_SECONDS];
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

/* --- A slow disk ------------------------------------------------------------------------------ */

static void linger(void)
{
    int64_t left = orders[SYNC_MILLISECONDS];
    if (left <= 0) return;
    feel();
    /* In steps, so that an order taken back frees who is waiting. */
    for (; left > 0 && orders[SYNC_MILLISECONDS] > 0; left -= 20) usleep(20 * 1000);
}

int fsync(int file)
{
    REAL(fsync);
    linger();
    return real(file);
}

int fdatasync(int file)
{
    REAL(fdatasync);
    linger();
    return real(file);
}

/* --- A full disk ------------------------------------------------------------------------------ */

static int is_full(const char *path)
{
    const char *part = full_paths;
    for (int64_t bits = orders[DISK_FULL]; bits && *part; bits >>= 1) {
        size_t length = strcspn(part, ":");
        if (length && bits & 1 && memmem(path, strlen(path), part, length)) return 1;
        part += length + (part[length] == ':');
    }
    return 0;
}

static int has_no_space(int file, off_t end)
{
    char link[64], path[4096];
    struct stat found;
    if (!orders[DISK_FULL]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!is_full(path)) return 0;
    if (fstat(file, &found) || !S_ISREG(found.st_mode) || end <= found.st_size) return 0;
    feel();
    errno = ENOSPC;
    return 1;
}

static off_t length_of(const struct iovec *parts, int count)
{
    off_t length = 0;
    for (int i = 0; i < count; i++) length += (off_t)parts[i].iov_len;
    return length;
}

static off_t here(int file)
{
    off_t place = orders[DISK_FULL] ? lseek(file, 0, SEEK_CUR) : 0;
    return place < 0 ? 0 : place;
}

ssize_t write(int file, const void *octets, size_t count)
{
    REAL(write);
    int before = errno;
    if (has_no_space(file, here(file) + (off_t)count)) return -1;
    errno = before;
    return real(file, octets, count);
}

ssize_t pwrite(int file, const void *octets, size_t count, off_t place)
{
    REAL(pwrite);
    if (has_no_space(file, place + (off_t)count)) return -1;
    return real(file, octets, count, place);
}

ssize_t pwrite64(int file, const void *octets, size_t count, off64_t place)
{
    return pwrite(file, octets, count, place);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t place)
{
    REAL(pwritev);
    if (has_no_space(file, place + length_of(parts, count))) return -1;
    return real(file, parts, count, place);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t place)
{
    return pwritev(file, parts, count, place);
}

int posix_fallocate(int file, off_t place, off_t length)
{
    REAL(posix_fallocate);
    if (has_no_space(file, place + length)) return ENOSPC;
    return real(file, place, length);
}

int posix_fallocate64(int file, off64_t place, off64_t length)
{
    return posix_fallocate(file, place, length);
}
