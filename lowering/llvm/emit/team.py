"""How several threads run a program together, as LLVM IR.

The thread that calls `run_team` leads. For a launch of several tasks it puts the launch and its
arguments into the team's memory, then a word for each thread: `number of the launch << 32 | first
task << 16 | end`. A thread claims tasks from the front of its own word, so that it mostly finds in
its cache what it wrote in the launch before, then from the back of the others'. When no task is
left the leader waits for those that others have claimed, and goes on. So a thread that the system
does not let run delays others only while it holds a task, and the leader needs nobody.

A waiting thread spins a while, then sleeps on a futex, which also lets the system move a thread
that waits for a core to the leader's.

Whether help is worth it depends on the program and on what else the machine does, so it is measured
(`run_team`): a program runs four times in each way, the first of them not counted, then in the way
that was faster. When help gets slower than working alone was, that is tried again; and while a
program runs alone, help is tried again after some time, ever longer while it does not help.

The runtime makes the team's memory, zero but for its configuration, threads that call `worker`, and
for each program its pace: the team's address, then zeros.
"""

from __future__ import annotations

import re

from ..target import Target

TEAM_VERSION = 2
"""To be raised with every change of the layout below: teams outlive the program that made them."""

_PAUSE = {
    "x86_64": "@llvm.x86.sse2.pause()",
    "aarch64": "@llvm.aarch64.isb(i32 15)",
    "arm64": "@llvm.aarch64.isb(i32 15)",
}
"""What a spinning thread does, to leave the core to its neighbour; 10 to 40 ns."""

MOST_TASKS = 1 << 15
"""What the word has room for."""

LEADER_SPINS = 2_000
WORKER_SPINS = 10_000
"""Pauses before a thread sleeps: some 50 and 250 microseconds."""

TRIAL = 4
FIRST_PAUSE = 20_000_000
LAST_PAUSE = 1_000_000_000
"""Runs of a trial; nanoseconds from the end of a trial in which help was no use to the next."""

_PLACES = {
    "done": 0,
    "waiting": 64,
    "launch": 128,
    "arena": 136,
    "args": 144,
    "number": 192,
    "epoch": 256,
    "sleepers": 260,
    "busy": 320,
    # The configuration.
    "threads": 384,
    "syscall": 392,
    "futex": 400,
    "usleep": 408,
    "clock_gettime": 416,
    "clock": 424,
    # A line for each thread.
    "words": 512,
}
"""Where things are in the team's memory; each line of the cache has one kind of writer."""

_PACE = {"team": 0, "mean": 8, "alone": 24, "trial": 32, "sum": 40, "next": 48, "pause": 56}
"""Where things are in a program's pace; there are two means, of runs with the team and alone."""

_TEXT = """
declare i32 @run(ptr, ptr, ptr)
declare i32 @launches(ptr, ptr, ptr)

define i32 @run_team(ptr %arena, ptr %args, ptr %scalars, ptr %pace) ATTRIBUTES {
entry:
  %team = load ptr, ptr %pace, align 8
  %busy = PLACE(busy)
  %locked = cmpxchg ptr %busy, i32 0, i32 1 acquire monotonic
  %free = extractvalue { i32, i1 } %locked, 1
  br i1 %free, label %lead, label %taken
taken:
  %result = call i32 @run(ptr %arena, ptr %args, ptr %scalars)
  ret i32 %result
lead:
  %begin = call i64 @now(ptr %team)
  %alone = call i1 @chosen(ptr %pace, i64 %begin)
  br i1 %alone, label %by_self, label %together
by_self:
  %own = call i32 @run(ptr %arena, ptr %args, ptr %scalars)
  br label %end
together:
  call void @wake(ptr %team)
  %joint = call i32 @launches(ptr %arena, ptr %args, ptr %team)
  br label %end
end:
  %status = phi i32 [%own, %by_self], [%joint, %together]
  %now = call i64 @now(ptr %team)
  %took = sub i64 %now, %begin
  call void @learn(ptr %pace, i1 %alone, i64 %took, i64 %now)
  store atomic i32 0, ptr %busy release, align 4
  ret i32 %status
}

; Whether to run alone now; begins a trial of the team when it is time.
define internal i1 @chosen(ptr %pace, i64 %now) ATTRIBUTES {
entry:
  %alone_place = PACE(alone)
  %trial_place = PACE(trial)
  %next_place = PACE(next)
  %alone = load i64, ptr %alone_place, align 8
  %trial = load i64, ptr %trial_place, align 8
  %next = load i64, ptr %next_place, align 8
  %is_alone = icmp eq i64 %alone, 1
  %settled = icmp eq i64 %trial, 0
  %due = icmp sge i64 %now, %next
  %both = and i1 %is_alone, %settled
  %begin = and i1 %both, %due
  br i1 %begin, label %try, label %end
try:
  call void @try(ptr %pace, i64 0)
  ret i1 false
end:
  ret i1 %is_alone
}

; Begin a trial of one way.
define internal void @try(ptr %pace, i64 %alone) ATTRIBUTES {
  %alone_place = PACE(alone)
  %trial_place = PACE(trial)
  %sum_place = PACE(sum)
  store i64 %alone, ptr %alone_place, align 8
  store i64 TRIAL, ptr %trial_place, align 8
  store i64 0, ptr %sum_place, align 8
  ret void
}

; Take a run's time into account.
define internal void @learn(ptr %pace, i1 %alone, i64 %took, i64 %now) ATTRIBUTES {
entry:
  %alone_place = PACE(alone)
  %trial_place = PACE(trial)
  %means = PACE(mean)
  %own = zext i1 %alone to i64
  %other = sub i64 1, %own
  %own_place = getelementptr i64, ptr %means, i64 %own
  %other_place = getelementptr i64, ptr %means, i64 %other
  %mean = load i64, ptr %own_place, align 8
  %mean_other = load i64, ptr %other_place, align 8
  %trial = load i64, ptr %trial_place, align 8
  %settled = icmp eq i64 %trial, 0
  br i1 %settled, label %usual, label %tried
usual:
  %more = sub i64 %took, %mean
  %part = ashr i64 %more, 3
  %moved = add i64 %mean, %part
  store i64 %moved, ptr %own_place, align 8
  %slower = icmp sgt i64 %moved, %mean_other
  %shared = xor i1 %alone, true
  %doubt = and i1 %slower, %shared
  br i1 %doubt, label %try_other, label %end
tried:
  %sum_place = PACE(sum)
  %sum = load i64, ptr %sum_place, align 8
  %is_first = icmp eq i64 %trial, TRIAL
  %counted = select i1 %is_first, i64 0, i64 %took
  %new_sum = add i64 %sum, %counted
  %left = sub i64 %trial, 1
  store i64 %new_sum, ptr %sum_place, align 8
  store i64 %left, ptr %trial_place, align 8
  %over = icmp eq i64 %left, 0
  br i1 %over, label %judge, label %end
judge:
  %counted_runs = sub i64 TRIAL, 1
  %trial_mean = udiv i64 %new_sum, %counted_runs
  store i64 %trial_mean, ptr %own_place, align 8
  %unknown = icmp eq i64 %mean_other, 0
  br i1 %unknown, label %try_other, label %compare
compare:
  %better = icmp sle i64 %trial_mean, %mean_other
  %winner = select i1 %better, i64 %own, i64 %other
  store i64 %winner, ptr %alone_place, align 8
  %pause_place = PACE(pause)
  %next_place = PACE(next)
  %pause = load i64, ptr %pause_place, align 8
  %twice = shl i64 %pause, 1
  %much = icmp ugt i64 %twice, LAST_PAUSE
  %limited = select i1 %much, i64 LAST_PAUSE, i64 %twice
  %little = icmp ult i64 %limited, FIRST_PAUSE
  %longer = select i1 %little, i64 FIRST_PAUSE, i64 %limited
  %stay_alone = icmp eq i64 %winner, 1
  %new_pause = select i1 %stay_alone, i64 %longer, i64 0
  %next = add i64 %now, %new_pause
  store i64 %new_pause, ptr %pause_place, align 8
  store i64 %next, ptr %next_place, align 8
  br label %end
try_other:
  call void @try(ptr %pace, i64 %other)
  br label %end
end:
  ret void
}

; Wake the workers that sleep.
define internal void @wake(ptr %team) ATTRIBUTES {
entry:
  %sleepers_place = PLACE(sleepers)
  %epoch = PLACE(epoch)
  %old = atomicrmw add ptr %epoch, i32 1 seq_cst
  %sleepers = load atomic i32, ptr %sleepers_place seq_cst, align 4
  %some = icmp ne i32 %sleepers, 0
  br i1 %some, label %call, label %end
call:
  call void @futex_wake(ptr %team, ptr %epoch)
  br label %end
end:
  ret void
}

; Run all tasks of a launch with those who help.
define void @share(ptr %team, ptr %launch, i64 %tasks, ptr %arena, ptr %args) ATTRIBUTES {
entry:
  %done = PLACE(done)
  %launch_place = PLACE(launch)
  %arena_place = PLACE(arena)
  %args_place = PLACE(args)
  %number_place = PLACE(number)
  %threads_place = PLACE(threads)
  %words = PLACE(words)
  store atomic i64 0, ptr %done monotonic, align 8
  store atomic ptr %launch, ptr %launch_place monotonic, align 8
  store atomic ptr %arena, ptr %arena_place monotonic, align 8
  store atomic ptr %args, ptr %args_place monotonic, align 8
  %threads = load i64, ptr %threads_place, align 8
  %last = load i64, ptr %number_place, align 8
  %number = add i64 %last, 1
  store i64 %number, ptr %number_place, align 8
  %high = shl i64 %number, 32
  br label %post
post:
  %thread = phi i64 [0, %entry], [%following, %post]
  %first = phi i64 [0, %entry], [%end_task, %post]
  %following = add i64 %thread, 1
  %product = mul i64 %following, %tasks
  %end_task = udiv i64 %product, %threads
  %middle = shl i64 %first, 16
  %low = or i64 %middle, %end_task
  %new = or i64 %high, %low
  %line = shl i64 %thread, 6
  %word = getelementptr i8, ptr %words, i64 %line
  store atomic i64 %new, ptr %word release, align 8
  %more = icmp ult i64 %following, %threads
  br i1 %more, label %post, label %posted
posted:
  %sleepers_place = PLACE(sleepers)
  %sleepers = load atomic i32, ptr %sleepers_place seq_cst, align 4
  %asleep = icmp ne i32 %sleepers, 0
  br i1 %asleep, label %rouse, label %help
rouse:
  call void @wake(ptr %team)
  br label %help
help:
  %mine = call i64 @work(ptr %team, i64 0)
  %theirs = sub i64 %tasks, %mine
  br label %spin
spin:
  %n = phi i64 [0, %help], [%n1, %pause]
  %count = load atomic i64, ptr %done acquire, align 8
  %complete = icmp eq i64 %count, %theirs
  br i1 %complete, label %end, label %spun
spun:
  %n1 = add i64 %n, 1
  %patient = icmp ult i64 %n1, LEADER_SPINS
  br i1 %patient, label %pause, label %sleep
pause:
  PAUSE
  br label %spin
sleep:
  call void @await(ptr %team, i64 %theirs)
  br label %end
end:
  ret void
}

; Run tasks until none is left; how many they were.
define internal i64 @work(ptr %team, i64 %thread) ATTRIBUTES {
entry:
  %words = PLACE(words)
  %launch_place = PLACE(launch)
  %arena_place = PLACE(arena)
  %args_place = PLACE(args)
  %threads_place = PLACE(threads)
  %threads = load i64, ptr %threads_place, align 8
  br label %look
look:
  %done = phi i64 [0, %entry], [%done, %next], [%done, %try], [%done1, %run]
  %far = phi i64 [0, %entry], [%far1, %next], [%far, %try], [%far, %run]
  %sum = add i64 %thread, %far
  %around = icmp uge i64 %sum, %threads
  %back = sub i64 %sum, %threads
  %victim = select i1 %around, i64 %back, i64 %sum
  %line = shl i64 %victim, 6
  %word = getelementptr i8, ptr %words, i64 %line
  %seen = load atomic i64, ptr %word acquire, align 8
  %end = and i64 %seen, 65535
  %shifted = lshr i64 %seen, 16
  %first = and i64 %shifted, 65535
  %some = icmp ult i64 %first, %end
  br i1 %some, label %try, label %next
next:
  %far1 = add i64 %far, 1
  %others = icmp ult i64 %far1, %threads
  br i1 %others, label %look, label %leave
try:
  ; What is read here belongs to the claimed task if the word is still the same after it.
  %launch = load atomic ptr, ptr %launch_place monotonic, align 8
  %arena = load atomic ptr, ptr %arena_place monotonic, align 8
  %args = load atomic ptr, ptr %args_place monotonic, align 8
  %own = icmp eq i64 %far, 0
  %step = select i1 %own, i64 65536, i64 -1
  %new = add i64 %seen, %step
  %last = sub i64 %end, 1
  %task = select i1 %own, i64 %first, i64 %last
  %swap = cmpxchg ptr %word, i64 %seen, i64 %new acq_rel monotonic
  %claimed = extractvalue { i64, i1 } %swap, 1
  br i1 %claimed, label %run, label %look
run:
  call void %launch(ptr %arena, ptr %args, i64 %thread, i64 %task)
  %done1 = add i64 %done, 1
  br label %look
leave:
  ret i64 %done
}

; Sleep until others have done so many tasks.
define internal void @await(ptr %team, i64 %theirs) ATTRIBUTES {
entry:
  %done = PLACE(done)
  %waiting = PLACE(waiting)
  br label %check
check:
  store atomic i32 1, ptr %waiting seq_cst, align 4
  %count = load atomic i64, ptr %done seq_cst, align 8
  %complete = icmp eq i64 %count, %theirs
  br i1 %complete, label %awake, label %sleep
sleep:
  call void @futex_wait(ptr %team, ptr %waiting, i32 1)
  br label %check
awake:
  store atomic i32 0, ptr %waiting monotonic, align 4
  ret void
}

; What each other thread of the team runs, for ever.
define void @worker(ptr %team, i64 %thread) ATTRIBUTES {
entry:
  %done = PLACE(done)
  %waiting = PLACE(waiting)
  %epoch_place = PLACE(epoch)
  %sleepers = PLACE(sleepers)
  br label %look
look:
  %n = phi i64 [0, %entry], [%n1, %pause], [0, %report], [0, %wake], [0, %awake]
  %count = call i64 @work(ptr %team, i64 %thread)
  %some = icmp ne i64 %count, 0
  br i1 %some, label %report, label %idle
idle:
  %n1 = add i64 %n, 1
  %patient = icmp ult i64 %n1, WORKER_SPINS
  br i1 %patient, label %pause, label %sleep
pause:
  PAUSE
  br label %look
report:
  %before = atomicrmw add ptr %done, i64 %count seq_cst
  %asleep = load atomic i32, ptr %waiting seq_cst, align 4
  %wanted = icmp ne i32 %asleep, 0
  br i1 %wanted, label %wake, label %look
wake:
  store atomic i32 0, ptr %waiting seq_cst, align 4
  call void @futex_wake(ptr %team, ptr %waiting)
  br label %look
sleep:
  %epoch = load atomic i32, ptr %epoch_place seq_cst, align 4
  %more = atomicrmw add ptr %sleepers, i32 1 seq_cst
  %last = call i64 @work(ptr %team, i64 %thread)
  %nothing = icmp eq i64 %last, 0
  br i1 %nothing, label %lie_down, label %report_last
lie_down:
  call void @futex_wait(ptr %team, ptr %epoch_place, i32 %epoch)
  br label %awake
report_last:
  %before_last = atomicrmw add ptr %done, i64 %last seq_cst
  store atomic i32 0, ptr %waiting seq_cst, align 4
  call void @futex_wake(ptr %team, ptr %waiting)
  br label %awake
awake:
  %fewer = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  br label %look
}

; Sleep until a place is woken, if it has still this value; may return early.
define internal void @futex_wait(ptr %team, ptr %place, i32 %value) ATTRIBUTES {
entry:
  %number_place = PLACE(futex)
  %number = load i64, ptr %number_place, align 8
  %none = icmp eq i64 %number, 0
  br i1 %none, label %nap, label %wait
wait:
  %syscall_place = PLACE(syscall)
  %syscall = load ptr, ptr %syscall_place, align 8
  %r = call i64 (i64, ...) %syscall(
      i64 %number, ptr %place, i64 128, i32 %value, ptr null, ptr null, i64 0)
  ret void
nap:
  %usleep_place = PLACE(usleep)
  %usleep = load ptr, ptr %usleep_place, align 8
  %s = call i32 %usleep(i32 50)
  ret void
}

; Wake all who sleep at a place.
define internal void @futex_wake(ptr %team, ptr %place) ATTRIBUTES {
entry:
  %number_place = PLACE(futex)
  %number = load i64, ptr %number_place, align 8
  %none = icmp eq i64 %number, 0
  br i1 %none, label %end, label %wake
wake:
  %syscall_place = PLACE(syscall)
  %syscall = load ptr, ptr %syscall_place, align 8
  %r = call i64 (i64, ...) %syscall(
      i64 %number, ptr %place, i64 129, i32 2147483647, ptr null, ptr null, i64 0)
  br label %end
end:
  ret void
}

; Nanoseconds of a clock that only goes on.
define internal i64 @now(ptr %team) ATTRIBUTES {
entry:
  %time = alloca [2 x i64], align 16
  %clock_place = PLACE(clock)
  %get_place = PLACE(clock_gettime)
  %clock = load i32, ptr %clock_place, align 4
  %get = load ptr, ptr %get_place, align 8
  %r = call i32 %get(i32 %clock, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest_place = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest_place, align 8
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}
"""


def emit_team(target: Target) -> str:
    """The module of `run_team` and `worker`; it calls `run` and `launches` of the program."""
    text = _TEXT.replace("ATTRIBUTES", target.attributes)
    for memory, places in (("team", _PLACES), ("pace", _PACE)):
        for name, offset in places.items():
            address = f"getelementptr i8, ptr %{memory}, i64 {offset}"
            text = text.replace(f"{'PLACE' if memory == 'team' else 'PACE'}({name})", address)
    for name in ("LEADER_SPINS", "WORKER_SPINS", "TRIAL", "FIRST_PAUSE", "LAST_PAUSE"):
        text = re.sub(rf"\b{name}\b", str(globals()[name]), text)
    architecture = target.triple.partition("-")[0]
    pause = _PAUSE.get(architecture, "")
    text = text.replace("PAUSE", f"call void {pause}" if pause else "")
    declaration = f"declare void {pause.replace('i32 15', 'i32')}\n" if pause else ""
    return f'target triple = "{target.triple}"\n{text}{declaration}'
