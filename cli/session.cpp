#include "cli/session.h"

#include <utility>

#include "cli/stack/layout.h"
#include "cli/stack/record.h"
#include "lib/ipc/private_files.h"

namespace millrace::cli {
namespace {

Result<client::Endpoint> find(const std::string& url, const std::string& token_file,
                              const std::string& directory) {
  if (!url.empty()) {
    if (token_file.empty()) return client::Endpoint{url, ""};
    MILLRACE_TRY(token, ipc::read_secret_file(token_file));
    return client::Endpoint{url, token};
  }
  MILLRACE_TRY(path, stack_directory(directory));
  const Layout layout = layout_of(path);
  MILLRACE_TRY(record, read_record(layout.record()));
  if (!record || record->port == 0)
    return Error{ErrorClass::kTransient, "client.no_scheduler",
                 "there is no stack in \"" + path.string() + "\"",
                 "`millrace up` starts one, or set MILLRACE_URL and MILLRACE_TOKEN_FILE"};
  auto token = ipc::read_secret_file(token_file.empty() ? layout.api_token().string() : token_file);
  if (token.ok()) return client::Endpoint{record->url(), *token};
  Error error = std::move(token).error();
  if (token_file.empty() && (error.code == "file.empty" || error.code == "file.not_found"))
    error.hint = "`millrace up` makes it anew";
  return error;
}

}  // namespace

client::FindEndpoint endpoint_source(const CommonOptions& common, const Environment& environment) {
  return [url = environment("MILLRACE_URL"), token_file = environment("MILLRACE_TOKEN_FILE"),
          directory = common.directory] { return find(url, token_file, directory); };
}

}  // namespace millrace::cli
