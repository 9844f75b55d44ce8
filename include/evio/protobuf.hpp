// Protobuf messages, strung together as their length in a varint and their bytes. Component
// evio::protobuf.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <evio/codecs.hpp>
#include <evio/conn.hpp>
#include <evio/input.hpp>
#include <evio/shared_bytes.hpp>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

namespace evio { inline namespace v0 { namespace protobuf {

/// For Events::codec: `data` gets one serialized message each time. It is what parseDelimitedFrom
/// and writeDelimitedTo of other languages read and write.
using Codec = codec::VarintPrefixed;

/// Parses the message that `data` got, and takes it. False if it is none of this type.
inline bool parse(Input& in, google::protobuf::MessageLite& message) {
  const std::string_view bytes = in.take();
  if (bytes.size() > std::numeric_limits<int>::max()) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// The message's bytes, for Handle::send, Conn::write and Server::broadcast of a service with that
/// codec. Throws std::invalid_argument if a required field is missing.
inline SharedBytes serialized(const google::protobuf::MessageLite& message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes))
    throw std::invalid_argument("evio::protobuf: the message lacks " +
                                message.InitializationErrorString());
  return SharedBytes(std::move(bytes));
}

/// Conn::write of a message.
inline WriteResult write(Conn& conn, const google::protobuf::MessageLite& message) {
  return conn.write(serialized(message));
}

}}}  // namespace evio::v0::protobuf
