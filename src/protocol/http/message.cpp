// A parsed request: how its views move to other bytes.
#include "protocol/http/message.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace http {

// Assigning a new Message cannot forget a member that is added later.
void Message::clear() {
  fields.clear();
  params.clear();
  Message fresh;
  fresh.fields = std::move(fields);
  fresh.params = std::move(params);
  *this = std::move(fresh);
}

void Message::move_to(std::string& storage) {
  storage.assign(bytes);
  const auto move = [&, old = bytes.data(), size = bytes.size()](std::string_view& view) {
    // Other views refer to other_path, to a route's texts or to nothing: they stay valid.
    const bool inside = view.data() >= old && view.data() < old + size;
    if (inside)
      view = std::string_view(storage).substr(static_cast<std::size_t>(view.data() - old),
                                              view.size());
  };
  for (std::string_view* view : {&method, &target, &host, &path, &query}) move(*view);
  for (Field& field : fields) {
    move(field.name);
    move(field.value);
  }
  for (Param& param : params) move(param.value);
  bytes = storage;
}

}}}  // namespace evio::v0::http
