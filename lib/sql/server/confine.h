// What millrace-sql gives up before it reads its first text: privileges, environment, descriptors,
// memory.
#pragma once

namespace millrace::sql {

// Ends the process with a message if a bound cannot be set: an unbounded parser must not run.
void confine();

// Gives the process kCpuSecondsPerText from now on; when they are used up, SIGPROF ends it. CPU,
// not wall time: a busy machine must not make a text look slow (the client watches the wall clock).
void start_cpu_watch();
void stop_cpu_watch();

}  // namespace millrace::sql
