// The commands, one function each: do it, write data to session.out and the rest to session.err,
// return the exit code. None throws.
#pragma once

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/session.h"

namespace millrace::cli {

Exit execute(const commands::Up& options, Session& session);
Exit execute(const commands::Down& options, Session& session);
Exit execute(const commands::Status& options, Session& session);
Exit execute(const commands::Apply& options, Session& session);
Exit execute(const commands::Diff& options, Session& session);
Exit execute(const commands::Validate& options, Session& session);
Exit execute(const commands::Delete& options, Session& session);
Exit execute(const commands::Run& options, Session& session);
Exit execute(const commands::Retry& options, Session& session);
Exit execute(const commands::Wait& options, Session& session);
Exit execute(const commands::Watch& options, Session& session);
Exit execute(const commands::Get& options, Session& session);
Exit execute(const commands::Logs& options, Session& session);
Exit execute(const commands::Explain& options, Session& session);
Exit execute(const commands::Steer& options, Session& session);
Exit execute(const commands::Query& options, Session& session);
Exit execute(const commands::Version& options, Session& session);

// `get quarantine DATASET`: the rows of a dataset's quarantine.
Exit get_quarantine(const commands::Get& options, Session& session);

}  // namespace millrace::cli
