// What client and server say about permessage-deflate in Sec-WebSocket-Extensions (RFC
// 7692, section 7.1).
#pragma once

#include <evio/websocket/settings.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/websocket/deflate.hpp"

namespace evio { inline namespace v0 { namespace websocket {

struct DeflateAgreement {
  DeflateTerms from_server;
  DeflateTerms from_client;
};

/// The first of a client's offers that a server can keep to, and what it answers; none: it answers
/// nothing.
struct AcceptedOffer {
  DeflateAgreement terms;
  std::string answer;
};
std::optional<AcceptedOffer> accept_offer(std::string_view offers, const Deflate& settings);

/// What a client offers.
std::string offer_of(const Deflate& settings);
/// What a server's answer to that means; none: it is not an answer to it.
std::optional<DeflateAgreement> agreement_of(std::string_view answer, const Deflate& offered);

}}}  // namespace evio::v0::websocket
