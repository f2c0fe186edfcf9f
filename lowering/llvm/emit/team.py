"""How several threads run a program together, as LLVM IR.

The thread that calls `run_team` leads. For a launch of several tasks it puts the launch and its
arguments into the team's memory, then the word `number of the launch << 32 | tasks left`. Whoever
lowers the word by one, the leader too, has claimed a task. When no task is left the leader waits
for those that others have claimed, and goes on. So a thread that the system does not let run
delays others only while it holds a task, and the leader needs nobody.

A waiting thread spins a while, then sleeps on a futex, which also lets the system move a thread
that waits for a core to the leader's. Where a claimed task came back late (the machine is busy),
the leader works alone for a time, longer each time that this happens again.

The runtime makes the team's memory, zero but for CONFIGURATION, and threads that call `worker`.
"""

from __future__ import annotations

import re

from ..target import Target

TEAM_VERSION = 1
"""To be raised with every change of the layout below: teams outlive the program that made them."""

_PAUSE = {
    "x86_64": "@llvm.x86.sse2.pause()",
    "aarch64": "@llvm.aarch64.isb(i32 15)",
    "arm64": "@llvm.aarch64.isb(i32 15)",
}
"""What a spinning thread does, to leave the core to its neighbour; 10 to 40 ns."""

LEADER_SPINS = 2_000
WORKER_SPINS = 10_000
"""Pauses before a thread sleeps: some 50 and 250 microseconds."""

LATE = 300_000
MOST_ALONE = 200_000_000
"""Nanoseconds of waiting for a claimed task after which the leader works alone for a time, 16 times
as long, doubled each time up to the second number; runs without waiting shorten it again."""

# Where things are in the team's memory; each line of the cache has one kind of writer.
_PLACES = {
    "word": 0,
    "done": 64,
    "waiting": 128,
    "launch": 192,
    "arena": 200,
    "args": 208,
    "tasks": 216,
    "epoch": 256,
    "sleepers": 260,
    "busy": 320,
    "alone_until": 384,
    "alone_for": 392,
    # The configuration.
    "syscall": 448,
    "futex": 456,
    "usleep": 464,
    "clock_gettime": 472,
    "clock": 480,
}

_TEXT = """
declare i32 @run(ptr, ptr, ptr)
declare void @launches(ptr, ptr, ptr)

define i32 @run_team(ptr %arena, ptr %args, ptr %scalars, ptr %team) ATTRIBUTES {
entry:
  %busy = PLACE(busy)
  %locked = cmpxchg ptr %busy, i32 0, i32 1 acquire monotonic
  %mine = extractvalue { i32, i1 } %locked, 1
  br i1 %mine, label %lead, label %alone
alone:
  %result = call i32 @run(ptr %arena, ptr %args, ptr %scalars)
  ret i32 %result
lead:
  %until_place = PLACE(alone_until)
  %until = load i64, ptr %until_place, align 8
  %limited = icmp ne i64 %until, 0
  br i1 %limited, label %check, label %start
check:
  %now = call i64 @now(ptr %team)
  %early = icmp slt i64 %now, %until
  br i1 %early, label %leave, label %again
leave:
  store atomic i32 0, ptr %busy release, align 4
  br label %alone
again:
  store i64 0, ptr %until_place, align 8
  br label %start
start:
  call void @wake(ptr %team)
  call void @launches(ptr %arena, ptr %args, ptr %team)
  %late = load i64, ptr %until_place, align 8
  %was_late = icmp ne i64 %late, 0
  br i1 %was_late, label %end, label %shorten
shorten:
  %for_place = PLACE(alone_for)
  %for = load i64, ptr %for_place, align 8
  %part = lshr i64 %for, 5
  %less = sub i64 %for, %part
  store i64 %less, ptr %for_place, align 8
  br label %end
end:
  store atomic i32 0, ptr %busy release, align 4
  ret i32 0
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
  %word = PLACE(word)
  %done = PLACE(done)
  %until_place = PLACE(alone_until)
  %until = load i64, ptr %until_place, align 8
  %limited = icmp ne i64 %until, 0
  br i1 %limited, label %by_self, label %post
by_self:
  %i = phi i64 [0, %entry], [%i1, %by_self]
  call void %launch(ptr %arena, ptr %args, i64 0, i64 %i)
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %tasks
  br i1 %more, label %by_self, label %end
post:
  %launch_place = PLACE(launch)
  %arena_place = PLACE(arena)
  %args_place = PLACE(args)
  %tasks_place = PLACE(tasks)
  store atomic i64 0, ptr %done monotonic, align 8
  store atomic ptr %launch, ptr %launch_place monotonic, align 8
  store atomic ptr %arena, ptr %arena_place monotonic, align 8
  store atomic ptr %args, ptr %args_place monotonic, align 8
  store atomic i64 %tasks, ptr %tasks_place monotonic, align 8
  %last = load atomic i64, ptr %word monotonic, align 8
  %number = lshr i64 %last, 32
  %next = add i64 %number, 1
  %high = shl i64 %next, 32
  %new = or i64 %high, %tasks
  store atomic i64 %new, ptr %word release, align 8
  %sleepers_place = PLACE(sleepers)
  %sleepers = load atomic i32, ptr %sleepers_place seq_cst, align 4
  %asleep = icmp ne i32 %sleepers, 0
  br i1 %asleep, label %rouse, label %claim
rouse:
  call void @wake(ptr %team)
  br label %claim
claim:
  %mine = phi i64 [0, %post], [0, %rouse], [%mine, %try], [%mine1, %own]
  %seen = load atomic i64, ptr %word monotonic, align 8
  %left = and i64 %seen, 4294967295
  %none = icmp eq i64 %left, 0
  br i1 %none, label %wait, label %try
try:
  %lower = sub i64 %seen, 1
  %swap = cmpxchg ptr %word, i64 %seen, i64 %lower monotonic monotonic
  %claimed = extractvalue { i64, i1 } %swap, 1
  br i1 %claimed, label %own, label %claim
own:
  %task = sub i64 %tasks, %left
  call void %launch(ptr %arena, ptr %args, i64 0, i64 %task)
  %mine1 = add i64 %mine, 1
  br label %claim
wait:
  %theirs = sub i64 %tasks, %mine
  br label %spin
spin:
  %n = phi i64 [0, %wait], [%n1, %pause]
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

; Sleep until others have done so many tasks; if that takes long, work alone for a time.
define internal void @await(ptr %team, i64 %theirs) ATTRIBUTES {
entry:
  %done = PLACE(done)
  %waiting = PLACE(waiting)
  %begin = call i64 @now(ptr %team)
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
  %now = call i64 @now(ptr %team)
  %took = sub i64 %now, %begin
  %late = icmp sgt i64 %took, LATE
  br i1 %late, label %alone, label %end
alone:
  %until_place = PLACE(alone_until)
  %for_place = PLACE(alone_for)
  %for = load i64, ptr %for_place, align 8
  %twice = shl i64 %for, 1
  %share = shl i64 %took, 4
  %longer = icmp ugt i64 %share, %twice
  %wanted = select i1 %longer, i64 %share, i64 %twice
  %large = icmp ugt i64 %wanted, MOST_ALONE
  %new = select i1 %large, i64 MOST_ALONE, i64 %wanted
  store i64 %new, ptr %for_place, align 8
  %until = add i64 %now, %new
  store i64 %until, ptr %until_place, align 8
  br label %end
end:
  ret void
}

; What each other thread of the team runs, for ever.
define void @worker(ptr %team, i64 %thread) ATTRIBUTES {
entry:
  %word = PLACE(word)
  %done = PLACE(done)
  %waiting = PLACE(waiting)
  %launch_place = PLACE(launch)
  %arena_place = PLACE(arena)
  %args_place = PLACE(args)
  %tasks_place = PLACE(tasks)
  %epoch_place = PLACE(epoch)
  %sleepers = PLACE(sleepers)
  br label %look
look:
  %n = phi i64 [0, %entry], [%n1, %pause], [0, %try], [0, %report], [0, %wake], [0, %awake]
  %seen = load atomic i64, ptr %word acquire, align 8
  %left = and i64 %seen, 4294967295
  %some = icmp ne i64 %left, 0
  br i1 %some, label %try, label %idle
idle:
  %n1 = add i64 %n, 1
  %patient = icmp ult i64 %n1, WORKER_SPINS
  br i1 %patient, label %pause, label %sleep
pause:
  PAUSE
  br label %look
try:
  ; What is read here belongs to the claimed task if the word is still the same after it.
  %launch = load atomic ptr, ptr %launch_place monotonic, align 8
  %arena = load atomic ptr, ptr %arena_place monotonic, align 8
  %args = load atomic ptr, ptr %args_place monotonic, align 8
  %tasks = load atomic i64, ptr %tasks_place monotonic, align 8
  %lower = sub i64 %seen, 1
  %swap = cmpxchg ptr %word, i64 %seen, i64 %lower acq_rel monotonic
  %claimed = extractvalue { i64, i1 } %swap, 1
  br i1 %claimed, label %own, label %look
own:
  %task = sub i64 %tasks, %left
  call void %launch(ptr %arena, ptr %args, i64 %thread, i64 %task)
  %count = atomicrmw add ptr %done, i64 1 seq_cst
  br label %report
report:
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
  %last = load atomic i64, ptr %word seq_cst, align 8
  %rest = and i64 %last, 4294967295
  %nothing = icmp eq i64 %rest, 0
  br i1 %nothing, label %lie_down, label %awake
lie_down:
  call void @futex_wait(ptr %team, ptr %epoch_place, i32 %epoch)
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
    text = re.sub(
        r"PLACE\((\w+)\)",
        lambda place: f"getelementptr i8, ptr %team, i64 {_PLACES[place[1]]}",
        _TEXT.replace("ATTRIBUTES", target.attributes),
    )
    for name in ("LEADER_SPINS", "WORKER_SPINS", "LATE", "MOST_ALONE"):
        text = re.sub(rf"\b{name}\b", str(globals()[name]), text)
    architecture = target.triple.partition("-")[0]
    pause = _PAUSE.get(architecture, "")
    text = text.replace("PAUSE", f"call void {pause}" if pause else "")
    declaration = f"declare void {pause.replace('i32 15', 'i32')}\n" if pause else ""
    return f'target triple = "{target.triple}"\n{text}{declaration}'
