// Negotiates permessage-deflate in Sec-WebSocket-Extensions (RFC 7692, section 7.1).
#pragma once

#include <evio/websocket/settings.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/websocket/deflate.hpp"

namespace evio { inline namespace v0 { namespace websocket {

/// The result of the negotiation.
struct DeflateAgreement {
  DeflateTerms from_server;
  DeflateTerms from_client;
};

/// The offer that a server accepts, and its answer for the field.
struct AcceptedOffer {
  DeflateAgreement terms;
  std::string answer;
};
/// For a server: accepts the first of the client's offers that it can fulfil. nullopt: there is
/// none, the field is omitted in the answer, and messages are not compressed.
std::optional<AcceptedOffer> accept_offer(std::string_view offers, const Deflate& settings);

/// For a client: the value of the field in its request.
std::string offer_of(const Deflate& settings);
/// For a client: evaluates the server's answer. nullopt: it is not valid for that offer, and the
/// handshake must fail.
std::optional<DeflateAgreement> agreement_of(std::string_view answer, const Deflate& offered);

}}}  // namespace evio::v0::websocket
