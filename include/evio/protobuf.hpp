// Protobuf messages on a stream, each preceded by its length as a varint. Link evio::protobuf.
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

/// For Events::codec: `data` gets one serialized message in each call. It is the format of
/// parseDelimitedFrom and writeDelimitedTo in other languages.
///
///     evio::Events events{
///         .codec = evio::protobuf::Codec{},
///         .data = [](evio::Conn& c, evio::Input& in) {
///           Request request;
///           if (!evio::protobuf::parse(in, request)) return c.abort();
///           evio::protobuf::write(c, answer(request));
///         },
///     };
using Codec = codec::VarintPrefixed;

/// Takes the bytes that `data` got and parses them as `message`. Returns false if they are not a
/// message of this type.
inline bool parse(Input& in, google::protobuf::MessageLite& message) {
  const std::string_view bytes = in.take();
  if (bytes.size() > std::numeric_limits<int>::max()) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// Returns the serialized message, for Handle::send, Conn::write and Server::broadcast of a service
/// with that codec. Throws std::invalid_argument if a required field is missing.
inline SharedBytes serialized(const google::protobuf::MessageLite& message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes))
    throw std::invalid_argument("evio::protobuf: the message lacks " +
                                message.InitializationErrorString());
  return SharedBytes(std::move(bytes));
}

/// Serializes a message and writes it: Conn::write(serialized(message)).
inline WriteResult write(Conn& conn, const google::protobuf::MessageLite& message) {
  return conn.write(serialized(message));
}

}}}  // namespace evio::v0::protobuf
