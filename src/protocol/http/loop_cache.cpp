// What an HTTP server has once for each loop.
#include "protocol/http/loop_cache.hpp"

#include <ctime>
#include <utility>

#include "protocol/http/date.hpp"

namespace evio { inline namespace v0 { namespace http {

std::unique_ptr<Exchange> LoopCache::acquire(Session& session) {
  std::unique_ptr<Exchange> exchange;
  if (spare_.empty()) {
    exchange = std::make_unique<Exchange>();
  } else {
    exchange = std::move(spare_.back());
    spare_.pop_back();
  }
  exchange->begin(session);
  return exchange;
}

// clear() before the exchange is stored: it frees the user's callbacks now and not with the next
// request.
void LoopCache::release(std::unique_ptr<Exchange> exchange) noexcept {
  exchange->clear();
  if (spare_.size() < kept_exchanges) spare_.push_back(std::move(exchange));
}

// Made late: a server that compresses nothing does not need its 256 KiB.
Gzip& LoopCache::gzip() {
  if (!gzip_) gzip_ = std::make_unique<Gzip>();
  return *gzip_;
}

std::string_view LoopCache::common_fields(const Settings& settings) {
  read_clock(settings);
  return {fields_, size_};
}

std::chrono::sys_seconds LoopCache::date(const Settings& settings) {
  read_clock(settings);
  return date_;
}

// Formats the common fields anew when a second has passed, because Date has no fractions.
void LoopCache::read_clock(const Settings& settings) {
  const auto now = loop_.now();
  if (now < stale_) return;
  const auto time =
      settings.wall_clock ? settings.wall_clock(loop_) : std::chrono::system_clock::now();
  date_ = std::chrono::floor<std::chrono::seconds>(time);
  // Until the wall clock's next second, measured by the loop's clock, which costs nothing to read.
  stale_ = now + (date_ + std::chrono::seconds(1) - time);
  const std::string fields = "\r\nServer: evio\r\nDate: " + date_text(date_);
  size_ = fields.copy(fields_, sizeof fields_);
}

}}}  // namespace evio::v0::http
