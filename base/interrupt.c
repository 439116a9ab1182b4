/* SPDX-License-Identifier: MIT
 * interrupt.c - see interrupt.h.
 *
 * All that the handler does is async-signal-safe (signal-safety(7)), and all that it
 * reads is atomic.
 */
#include "base/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
static const uint64_t TOGETHER_NS = 100000000;
static const uint64_t LATE_NS = 500000000;
static const uint64_t DEFERRED_NS = 900000000; /* the longest grace */
/* How often waiting calls are interrupted: a call may begin just after a signal came. */
static const suseconds_t AGAIN_US = 100000;

enum { NAMES = 32, NAME_SIZE = 128 };

enum name_state { NAME_FREE, NAME_CHANGING, NAME_SET };

static struct {
	_Atomic int state;
	int dir_fd;
	char path[NAME_SIZE];
} names[NAMES];

static _Atomic int listener = -1; /* eventfd; -1: no listener */
static _Atomic int deferred;	  /* calls of interrupt_defer() that hold */
static _Atomic int owed;	  /* the signal to die of after that; 0: none */
static _Atomic uint64_t asked_ns; /* when the first signal came; 0: none */

/* The last signal.  Only the handler uses it, and does not interrupt itself. */
static struct {
	int number;
	pid_t sender; /* 0: none */
	uint64_t ns;
} last;

/* ---- the handler ---- */

static void remove_names(void)
{
	for (size_t i = 0; i < NAMES; i++)
		if (atomic_load(&names[i].state) == NAME_SET)
			unlinkat(names[i].dir_fd, names[i].path, 0);
}

/* The handler blocks its own signal, so the process dies when the handler returns. */
static void die(int number)
{
	remove_names();
	signal(number, SIG_DFL);
	raise(number);
}

/* Signals from a terminal never count as repeated: they have no sender. */
static bool is_repeated(int number, const siginfo_t *info, uint64_t now)
{
	pid_t sender = info->si_code == SI_USER ? info->si_pid : 0;
	bool repeated = sender != 0 && number == last.number && sender == last.sender &&
			now - last.ns < TOGETHER_NS;

	if (repeated)
		return true;
	last.number = number;
	last.sender = sender;
	last.ns = now;
	return false;
}

/* `us` 0: stop. */
static void interrupt_every(suseconds_t us)
{
	const struct itimerval timer = {
		.it_interval = {.tv_usec = us},
		.it_value = {.tv_usec = us},
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	const uint64_t one = 1;
	int saved = errno, fd = atomic_load(&listener);
	uint64_t now = clock_mono_ns(), none = 0;

	(void)context;
	if (is_repeated(number, info, now))
		return;
	if (fd < 0 && atomic_load(&deferred) == 0) {
		die(number);
		return;
	}
	atomic_compare_exchange_strong(&asked_ns, &none, now);
	if (fd < 0)
		atomic_store(&owed, number);
	else
		(void)!write(fd, &one, sizeof(one));
	interrupt_every(AGAIN_US);
	errno = saved;
}

/* Its arrival interrupts calls that wait. */
static void on_alarm(int number)
{
	int owed_number = atomic_load(&owed);

	(void)number;
	if (owed_number != 0 && clock_mono_ns() - atomic_load(&asked_ns) > DEFERRED_NS)
		die(owed_number);
}

/* ---- listening ---- */

void interrupt_init(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	struct sigaction before, alarm_action = {.sa_handler = on_alarm};
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGALRM);
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++)
		sigaddset(&wanted, SIGNALS[i]);
	action.sa_mask = wanted;
	/* A shell makes its background jobs ignore SIGINT because of Ctrl-C; whoever
	 * sends it to us means it. */
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++)
		if (SIGNALS[i] != SIGHUP || (sigaction(SIGHUP, NULL, &before) == 0 &&
					     before.sa_handler != SIG_IGN))
			sigaction(SIGNALS[i], &action, NULL);
	sigaction(SIGALRM, &alarm_action, NULL);
	/* The program that started us may have blocked them, and children inherit
	 * that. */
	pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
}

struct err *interrupt_listen(int *fd)
{
	int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (own < 0)
		return err_sys("eventfd");
	if (atomic_load(&owed) != 0) {
		close(own);
		return interrupt_check();
	}
	interrupt_init();
	interrupt_every(0);
	last.sender = 0;
	atomic_store(&asked_ns, 0);
	atomic_store(&listener, own);
	*fd = own;
	return NULL;
}

void interrupt_unlisten(void)
{
	int own = atomic_exchange(&listener, -1);

	closep(&own);
}

void interrupt_defer(void)
{
	atomic_fetch_add(&deferred, 1);
}

void interrupt_resume(void)
{
	if (atomic_fetch_sub(&deferred, 1) == 1 && atomic_load(&owed) != 0)
		die(atomic_load(&owed));
}

bool interrupt_came(void)
{
	return atomic_load(&asked_ns) != 0;
}

bool interrupt_is_late(uint64_t began_ns)
{
	uint64_t asked = atomic_load(&asked_ns),
		 from = asked > began_ns ? asked : began_ns;

	return asked != 0 && clock_mono_ns() - from > LATE_NS;
}

struct err *interrupt_check(void)
{
	return interrupt_came() ? err_new(ERR_CANCELLED, "interrupted") : NULL;
}

bool interrupt_retries(void)
{
	return errno == EINTR && !interrupt_came();
}

/* ---- names ---- */

int interrupt_name_add(int dir_fd, const char *path)
{
	for (int i = 0; i < NAMES && strlen(path) < NAME_SIZE; i++) {
		int state = NAME_FREE;

		if (!atomic_compare_exchange_strong(&names[i].state, &state,
						    NAME_CHANGING))
			continue;
		names[i].dir_fd = dir_fd;
		memcpy(names[i].path, path, strlen(path) + 1);
		atomic_store(&names[i].state, NAME_SET);
		return i;
	}
	return -1;
}

void interrupt_name_drop(int number)
{
	if (number >= 0)
		atomic_store(&names[number].state, NAME_FREE);
}
