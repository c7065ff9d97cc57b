// Exit codes that a runner and its worker agree on.
#pragma once

namespace millrace::ipc {

// The lease passed without renewal and the runner ended itself (EX_TEMPFAIL of sysexits.h). Without
// it, its worker would take the end for a crash: the renewal that it has sent meanwhile came too
// late.
inline constexpr int kLeasePassedExit = 75;

}  // namespace millrace::ipc
