// Orphans: what the children of this process started and left, and this process has adopted. Only
// where it is their subreaper (StartOptions::adopts_orphans), else there are none. Linux; not
// beside another thread that waits for children of its own.
#pragma once

namespace millrace::process {

// Kills and reaps all children of this process, and what they leave to it.
void end_orphans();
// Likewise, without waiting for one that does not end: for a process that is about to end itself,
// and must. Takes a tenth of a second at most.
void end_children_quickly();

}  // namespace millrace::process
