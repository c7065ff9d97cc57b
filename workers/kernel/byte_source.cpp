#include "workers/kernel/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace millrace::kernel {
namespace {

constexpr std::size_t kCompressedBufferBytes = 256 << 10;

Error read_failed(const std::string& name, int error) {
  return Error{ErrorClass::kInfrastructure, "source.read_failed",
               "reading \"" + name + "\" failed: " + std::strerror(error)};
}

class PlainSource final : public ByteSource {
 public:
  PlainSource(process::OwnedFd file, std::string name, std::stop_token stop)
      : file_(std::move(file)), name_(std::move(name)), stop_(std::move(stop)) {
    ::fstat(file_.get(), &opened_);
  }

  Result<std::size_t> read(char* out, std::size_t capacity) override {
    if (stop_.stop_requested())
      return Error{ErrorClass::kTransient, "task.cancelled", "the task was stopped"};
    for (;;) {
      // At a place of its own: again() shares the open file.
      const ssize_t count = ::pread(file_.get(), out, capacity, static_cast<off_t>(consumed_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return read_failed(name_, errno);
      if (count == 0) MILLRACE_RETURN_IF_ERROR(check_unchanged());
      consumed_ += static_cast<std::uint64_t>(count);
      return static_cast<std::size_t>(count);
    }
  }
  std::uint64_t consumed() const override { return consumed_; }
  Result<std::unique_ptr<ByteSource>> again() const override {
    MILLRACE_TRY(plain, reopened());
    return std::unique_ptr<ByteSource>(new PlainSource(std::move(plain)));
  }
  Result<PlainSource> reopened() const {
    process::OwnedFd same(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
    if (!same) return read_failed(name_, errno);
    return PlainSource(std::move(same), name_, stop_);
  }
  const std::string& name() const override { return name_; }

 private:
  // At the end of the file. One that has grown is taken as far as it was there.
  Status check_unchanged() const {
    struct stat now{};
    if (::fstat(file_.get(), &now) != 0) return read_failed(name_, errno);
    const bool same_time = now.st_mtim.tv_sec == opened_.st_mtim.tv_sec &&
                           now.st_mtim.tv_nsec == opened_.st_mtim.tv_nsec;
    if (now.st_size > opened_.st_size || (now.st_size == opened_.st_size && same_time))
      return ok_status();
    return Error{ErrorClass::kTransient, "source.changed",
                 "\"" + name_ + "\" was written to while it was read",
                 "let files be moved to where they are read once they are whole"};
  }

  process::OwnedFd file_;
  std::string name_;
  std::stop_token stop_;
  struct stat opened_{};
  std::uint64_t consumed_ = 0;
};

// A gzip file may hold several members one after another (RFC 1952, 2.2).
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(PlainSource plain) : plain_(std::move(plain)) {}
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override {
    if (open_) inflateEnd(&stream_);
  }

  static Result<std::unique_ptr<ByteSource>> make(PlainSource plain) {
    auto source = std::make_unique<GzipSource>(std::move(plain));
    MILLRACE_RETURN_IF_ERROR(source->open());
    return std::unique_ptr<ByteSource>(std::move(source));
  }
  Status open() {
    constexpr int kGzipWindow = 15 + 16;  // the largest window, with gzip's header and checksum
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK)
      return Error{ErrorClass::kResource, "source.no_memory", "no memory for a gzip window", "",
                   ""};
    open_ = true;
    return ok_status();
  }

  Result<std::size_t> read(char* out, std::size_t capacity) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(capacity);
    while (stream_.avail_out == capacity) {
      if (stream_.avail_in == 0) {
        MILLRACE_TRY(count, plain_.read(buffer_.data(), buffer_.size()));
        if (count == 0) {
          if (!between_members_) return corrupt("it ends in the middle");
          return std::size_t{0};
        }
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(count);
      }
      if (between_members_ && !first_member_) inflateReset(&stream_);
      between_members_ = false;
      first_member_ = false;
      const int state = inflate(&stream_, Z_NO_FLUSH);
      if (state == Z_STREAM_END)
        between_members_ = true;
      else if (state != Z_OK && state != Z_BUF_ERROR)
        return corrupt(stream_.msg == nullptr ? "its data are damaged" : stream_.msg);
    }
    return capacity - stream_.avail_out;
  }
  std::uint64_t consumed() const override { return plain_.consumed(); }
  const std::string& name() const override { return plain_.name(); }
  Result<std::unique_ptr<ByteSource>> again() const override {
    MILLRACE_TRY(plain, plain_.reopened());
    return make(std::move(plain));
  }

 private:
  Error corrupt(const std::string& why) const {
    return Error{ErrorClass::kUser, "source.gzip_corrupt",
                 "\"" + plain_.name() + "\" is no whole gzip file: " + why,
                 "compress the file again, or say \"compression: None\""};
  }

  PlainSource plain_;
  z_stream stream_{};
  bool open_ = false;
  bool first_member_ = true;
  bool between_members_ = true;
  std::vector<char> buffer_ = std::vector<char>(kCompressedBufferBytes);
};

bool looks_like_gzip(int file) {
  std::array<unsigned char, 2> magic{};
  return ::pread(file, magic.data(), magic.size(), 0) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_byte_source(process::OwnedFd file, Compression compression,
                                                     std::string name, std::stop_token stop) {
  const bool gzip = compression == Compression::kGzip ||
                    (compression == Compression::kAuto && looks_like_gzip(file.get()));
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  PlainSource plain(std::move(file), std::move(name), std::move(stop));
  if (!gzip) return std::unique_ptr<ByteSource>(new PlainSource(std::move(plain)));
  return GzipSource::make(std::move(plain));
}

}  // namespace millrace::kernel
