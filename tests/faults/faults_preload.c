/* Stands between a program and the C library: fails one system call, or records all of them.

   fault_arm(n, error, shorten, sticky)  the n-th call from now fails with `error`; if `shorten`, only reads and
                                         writes count, and that one moves half of its bytes; if `sticky`, all
                                         later calls of the same kind fail too (a disk stays full)
   fault_disarm()                        name of the call that failed, or NULL
   record_to(descriptor)                 append what changes files to this descriptor; -1 stops
   record_mark(number)                   append a mark

   A record is a line of text, `kind length a b path1 path2`, and `length` bytes of content after it. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static atomic_int armed, fault_error, fault_short, fault_sticky;
static atomic_long countdown;
static const char *_Atomic failed_kind;
static atomic_int record = -1;
static pthread_mutex_t record_guard = PTHREAD_MUTEX_INITIALIZER;

void fault_arm(long n, int error, int shorten, int sticky) {
    failed_kind = NULL;
    fault_error = error;
    fault_short = shorten;
    fault_sticky = sticky;
    countdown = n;
    armed = 1;
}

const char *fault_disarm(void) {
    armed = 0;
    return failed_kind;
}

static int is_failing(const char *kind, int moves_bytes) {
    if (!armed || (fault_short && !moves_bytes)) return 0;
    if (failed_kind) return fault_sticky && strcmp(failed_kind, kind) == 0;
    if (atomic_fetch_sub(&countdown, 1) != 1) return 0;
    failed_kind = kind;
    return 1;
}

#define FAIL_IF_TOLD(kind, result) if (is_failing(kind, 0)) return errno = fault_error, result

/* Recording. */

static const char *absolute(char *out, int dirfd, const char *path) {
    char link[64], base[PATH_MAX];
    if (path[0] == '/') return strcpy(out, path);
    if (dirfd == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return strcpy(out, path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        ssize_t n = syscall(SYS_readlink, link, base, sizeof base - 1);
        base[n < 0 ? 0 : n] = 0;
    }
    snprintf(out, PATH_MAX, "%.2000s%s%.2000s", base, *path ? "/" : "", path);
    return out;
}

static void put(const void *data, size_t n) {
    const char *at = data;
    while (n) {
        ssize_t done = syscall(SYS_write, record, at, n);
        if (done <= 0) return;
        at += done, n -= done;
    }
}

static void note(const char *kind, long a, long b, const char *one, const char *two, const void *data, size_t n) {
    char line[2 * PATH_MAX + 128];
    int length = snprintf(line, sizeof line, "%s\t%zu\t%ld\t%ld\t%s\t%s\n", kind, n, a, b, one, two);
    pthread_mutex_lock(&record_guard);
    put(line, length);
    put(data, n);
    pthread_mutex_unlock(&record_guard);
}

static long inode_of(int fd) {
    struct stat status;
    return syscall(SYS_fstat, fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        ? (long)status.st_ino : -1;
}

static void note_opened(int fd, int flags, int dirfd, const char *path) {
    char buffer[PATH_MAX];
    if (record >= 0 && fd >= 0 && (flags & O_CREAT))
        note("create", inode_of(fd), 0, absolute(buffer, dirfd, path), "", "", 0);
}

static void note_written(int fd, const void *data, ssize_t n, off_t offset) {
    if (record < 0 || n <= 0 || fd == record || inode_of(fd) < 0) return;
    if (offset < 0) offset = syscall(SYS_lseek, fd, 0, SEEK_CUR) - n;
    note("write", inode_of(fd), offset, "", "", data, n);
}

static void note_names(const char *kind, int fd1, const char *one, int fd2, const char *two, int result) {
    char first[PATH_MAX], second[PATH_MAX] = "";
    if (record < 0 || result != 0) return;
    absolute(first, fd1, one);
    if (two) absolute(second, fd2, two);
    note(kind, 0, 0, first, second, "", 0);
}

/* With the content as it is: what went through stdio was not seen on its way. */
static void note_synced(int fd) {
    char path[PATH_MAX];
    static char content[1 << 22];
    ssize_t n = syscall(SYS_pread64, fd, content, sizeof content, (off_t)0);
    note("sync", inode_of(fd), 0, absolute(path, fd, ""), "", content, n > 0 ? n : 0);
}

void record_to(int fd) { record = fd; }
void record_mark(long number) { if (record >= 0) note("mark", number, 0, "", "", "", 0); }

/* Opening and closing. */

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(name) int name(const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest); \
    FAIL_IF_TOLD("open", -1); \
    int fd = REAL(name)(path, flags, mode); note_opened(fd, flags, AT_FDCWD, path); return fd; }
#define OPENAT(name) int name(int dirfd, const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest); \
    FAIL_IF_TOLD("open", -1); \
    int fd = REAL(name)(dirfd, path, flags, mode); note_opened(fd, flags, dirfd, path); return fd; }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

DIR *opendir(const char *path) { FAIL_IF_TOLD("opendir", NULL); return REAL(opendir)(path); }
DIR *fdopendir(int fd) { FAIL_IF_TOLD("opendir", NULL); return REAL(fdopendir)(fd); }

/* As in the kernel, a failed close has closed, and fails only for a file that was written. */
int close(int fd) {
    int writable = (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    int result = REAL(close)(fd);
    if (writable) FAIL_IF_TOLD("close", -1);
    return result;
}

/* Reading and writing. */

#define MOVE(kind, count) size_t wanted = count; \
    if (is_failing(kind, 1)) { if (!fault_short) return errno = fault_error, -1; if (wanted > 1) wanted /= 2; }

ssize_t read(int fd, void *data, size_t n) { MOVE("read", n) return REAL(read)(fd, data, wanted); }
#define PREAD(name, type) ssize_t name(int fd, void *data, size_t n, type at) { \
    MOVE("read", n) return REAL(name)(fd, data, wanted, at); }
PREAD(pread, off_t) PREAD(pread64, off64_t)

ssize_t write(int fd, const void *data, size_t n) {
    MOVE("write", n)
    ssize_t done = REAL(write)(fd, data, wanted);
    note_written(fd, data, done, -1);
    return done;
}
#define PWRITE(name, type) ssize_t name(int fd, const void *data, size_t n, type at) { \
    MOVE("write", n) ssize_t done = REAL(name)(fd, data, wanted, at); note_written(fd, data, done, at); return done; }
PWRITE(pwrite, off_t) PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    struct iovec taken[count];
    size_t all = 0, left;
    for (int i = 0; i < count; i++) all += parts[i].iov_len;
    MOVE("write", all)
    left = wanted;
    for (int i = 0; i < count; i++) {
        taken[i] = parts[i];
        if (taken[i].iov_len > left) taken[i].iov_len = left;
        left -= taken[i].iov_len;
    }
    ssize_t done = REAL(writev)(fd, taken, count), noted = 0;
    for (int i = 0; i < count && noted < done; i++) {
        ssize_t n = done - noted < (ssize_t)taken[i].iov_len ? done - noted : (ssize_t)taken[i].iov_len;
        note_written(fd, taken[i].iov_base, n, syscall(SYS_lseek, fd, 0, SEEK_CUR) - done + noted);
        noted += n;
    }
    return done;
}

/* Length, mode and medium. */

#define TRUNCATE(name, type) int name(int fd, type length) { \
    FAIL_IF_TOLD("ftruncate", -1); \
    int result = REAL(name)(fd, length); \
    if (record >= 0 && result == 0) note("truncate", inode_of(fd), length, "", "", "", 0); \
    return result; }
TRUNCATE(ftruncate, off_t) TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) int name(int fd) { \
    FAIL_IF_TOLD("fsync", -1); int result = REAL(name)(fd); \
    if (record >= 0 && result == 0) note_synced(fd); \
    return result; }
SYNC(fsync) SYNC(fdatasync)

int fchmod(int fd, mode_t mode) { FAIL_IF_TOLD("fchmod", -1); return REAL(fchmod)(fd, mode); }
int flock(int fd, int operation) { FAIL_IF_TOLD("flock", -1); return REAL(flock)(fd, operation); }

/* Names. */

int rename(const char *one, const char *two) {
    FAIL_IF_TOLD("rename", -1);
    int result = REAL(rename)(one, two); note_names("rename", AT_FDCWD, one, AT_FDCWD, two, result); return result;
}
int renameat(int fd1, const char *one, int fd2, const char *two) {
    FAIL_IF_TOLD("rename", -1);
    int result = REAL(renameat)(fd1, one, fd2, two); note_names("rename", fd1, one, fd2, two, result); return result;
}
int renameat2(int fd1, const char *one, int fd2, const char *two, unsigned flags) {
    FAIL_IF_TOLD("rename", -1);
    int result = REAL(renameat2)(fd1, one, fd2, two, flags); note_names("rename", fd1, one, fd2, two, result); return result;
}
int link(const char *one, const char *two) {
    FAIL_IF_TOLD("link", -1);
    int result = REAL(link)(one, two); note_names("link", AT_FDCWD, one, AT_FDCWD, two, result); return result;
}
int linkat(int fd1, const char *one, int fd2, const char *two, int flags) {
    FAIL_IF_TOLD("link", -1);
    int result = REAL(linkat)(fd1, one, fd2, two, flags); note_names("link", fd1, one, fd2, two, result); return result;
}
int unlink(const char *one) {
    FAIL_IF_TOLD("unlink", -1);
    int result = REAL(unlink)(one); note_names("unlink", AT_FDCWD, one, 0, NULL, result); return result;
}
int unlinkat(int fd, const char *one, int flags) {
    FAIL_IF_TOLD("unlink", -1);
    int result = REAL(unlinkat)(fd, one, flags); note_names("unlink", fd, one, 0, NULL, result); return result;
}
int rmdir(const char *one) {
    FAIL_IF_TOLD("rmdir", -1);
    int result = REAL(rmdir)(one); note_names("unlink", AT_FDCWD, one, 0, NULL, result); return result;
}
int mkdir(const char *one, mode_t mode) {
    FAIL_IF_TOLD("mkdir", -1);
    int result = REAL(mkdir)(one, mode); note_names("mkdir", AT_FDCWD, one, 0, NULL, result); return result;
}
int mkdirat(int fd, const char *one, mode_t mode) {
    FAIL_IF_TOLD("mkdir", -1);
    int result = REAL(mkdirat)(fd, one, mode); note_names("mkdir", fd, one, 0, NULL, result); return result;
}

/* Looking. */

#define STAT(name, type) int name(const char *path, type *status) { FAIL_IF_TOLD("stat", -1); return REAL(name)(path, status); }
STAT(stat, struct stat) STAT(stat64, struct stat64) STAT(lstat, struct stat) STAT(lstat64, struct stat64)
#define FSTAT(name, type) int name(int fd, type *status) { FAIL_IF_TOLD("fstat", -1); return REAL(name)(fd, status); }
FSTAT(fstat, struct stat) FSTAT(fstat64, struct stat64)
#define FSTATAT(name, type) int name(int fd, const char *path, type *status, int flags) { \
    FAIL_IF_TOLD("stat", -1); return REAL(name)(fd, path, status, flags); }
FSTATAT(fstatat, struct stat) FSTATAT(fstatat64, struct stat64)
ssize_t readlink(const char *path, char *out, size_t n) { FAIL_IF_TOLD("readlink", -1); return REAL(readlink)(path, out, n); }
ssize_t readlinkat(int fd, const char *path, char *out, size_t n) {
    FAIL_IF_TOLD("readlink", -1); return REAL(readlinkat)(fd, path, out, n);
}
