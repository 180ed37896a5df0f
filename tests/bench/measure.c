// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a command and says what it used. A process's peak memory includes what it inherited at its
 * fork, and this program is much smaller than the script that wants to know.
 *
 * Usage: measure DESCRIPTOR SECONDS COMMAND...
 * Writes "wall-ns cpu-ns peak-KiB wait-status" to the descriptor, which the command does not get;
 * kills the command after so many seconds.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t cpu_ns(const struct rusage *u)
{
    return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * INT64_C(1000000000) +
           (u->ru_utime.tv_usec + u->ru_stime.tv_usec) * INT64_C(1000);
}

static void become(char **command, unsigned seconds)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(seconds); /* outlives exec */
    execv(command[0], command);
    _exit(127);
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;

    if (argc < 4)
        return 2;
    int fd = (int)strtol(argv[1], NULL, 10);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return 2;
    int64_t begin = now_ns();
    pid_t child = fork();
    if (child == 0)
        become(argv + 3, (unsigned)strtoul(argv[2], NULL, 10));
    if (child < 0 || wait4(child, &status, 0, &used) < 0)
        return 2;
    int64_t wall = now_ns() - begin;
    return dprintf(fd, "%jd %jd %ld %d\n", (intmax_t)wall, (intmax_t)cpu_ns(&used), used.ru_maxrss,
                   status) < 0;
}
