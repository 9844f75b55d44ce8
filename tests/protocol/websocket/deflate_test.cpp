// permessage-deflate: messages survive compression, within limits, and both sides negotiate its
// parameters.
#include "protocol/websocket/deflate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "protocol/websocket/extension.hpp"

namespace evio::websocket { namespace {

constexpr std::size_t ample = 64 << 20;
using Result = Decompressor::Result;

std::string decompressed(Decompressor& decompressor, std::string_view bytes, std::size_t cut) {
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(cut, bytes.size())))
    EXPECT_EQ(decompressor.add(bytes.substr(0, cut), out, ample), Result::good);
  EXPECT_EQ(decompressor.end(out, ample), Result::good);
  return out;
}

RC_GTEST_PROP(WebSocketDeflate, MessagesSurviveCompression, ()) {
  const DeflateTerms terms{.window_bits = *rc::gen::inRange(8, 16),
                           .context_takeover = *rc::gen::arbitrary<bool>()};
  const auto seeds =
      *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
  const auto cut = *rc::gen::inRange<std::size_t>(1, 100);
  Compressor compressor(terms);
  Decompressor decompressor(terms);
  for (const std::string& seed : seeds) {
    std::string message;
    for (int i = 0; i < 50; ++i) message += seed + std::to_string(i);
    std::string compressed;
    compressor.compress(message, compressed);
    RC_ASSERT(decompressed(decompressor, compressed, cut) == message);
  }
}

TEST(WebSocketDeflate, AnEmptyMessageIsOneByte) {
  Compressor compressor({});
  Decompressor decompressor({});
  for (int i = 0; i < 3; ++i) {
    std::string compressed;
    compressor.compress("", compressed);
    EXPECT_EQ(decompressed(decompressor, compressed, 1), "");
  }
  EXPECT_EQ(decompressed(decompressor, std::string_view("\0", 1), 1), "");
}

TEST(WebSocketDeflate, UsesEarlierMessagesOnlyIfNegotiated) {
  const std::string message(200, '?');
  for (const bool takeover : {false, true}) {
    Compressor compressor({.window_bits = 15, .context_takeover = takeover});
    std::string first, second;
    compressor.compress("a message like no other " + message, first);
    compressor.compress("a message like no other " + message, second);
    EXPECT_EQ(second.size() < first.size(), takeover);
  }
}

TEST(WebSocketDeflate, ADecompressionBombIsStoppedAtTheLimit) {
  Compressor compressor({});
  std::string bomb;
  compressor.compress(std::string(32 << 20, 'x'), bomb);
  Decompressor decompressor({});
  std::string out;
  EXPECT_EQ(decompressor.add(bomb, out, 1 << 20), Result::too_large);
  EXPECT_LT(out.size(), std::size_t{1 << 20} + (64 << 10));
}

// RFC 7692, section 7.2.3.5, and an example with a final block in the middle.
TEST(WebSocketDeflate, ReadsTheExamplesOfTheRfc) {
  const auto hello = [](std::string_view bytes) {
    Decompressor decompressor({});
    return decompressed(decompressor, bytes, 1);
  };
  EXPECT_EQ(hello({"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}), "Hello");
  EXPECT_EQ(hello({"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}), "Hello");
  EXPECT_EQ(hello({"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}), "Hello");
  EXPECT_EQ(hello({"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}), "Hello");
}

TEST(WebSocketDeflate, InvalidDataIsAnError) {
  Decompressor decompressor({});
  std::string out;
  EXPECT_EQ(decompressor.add("\xff\xff\xff\xff", out, ample), Result::malformed);
}

// RFC 7692, section 7.2.1 allows blocks after a final one; they may refer to earlier bytes.
TEST(WebSocketDeflate, AFinalBlockResetsTheWindow) {
  Decompressor decompressor({});
  EXPECT_EQ(decompressed(decompressor, {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}, 1), "Hello");
  EXPECT_EQ(decompressed(decompressor, {"\xf2\x00\x11\x00\x00", 5}, 1), "Hello");
  EXPECT_EQ(decompressed(decompressor, {"\x01", 1}, 1), "");
  EXPECT_EQ(decompressed(decompressor, {"\xf2\x00\x11\x00\x00", 5}, 1), "Hello");
}

TEST(WebSocketDeflate, AnIncompleteMessageIsAnError) {
  constexpr std::string_view hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7), stored(
                                                                           "\x00\x10\x00\xef\xff"
                                                                           "abc",
                                                                           8);
  const auto end_of = [](std::string_view half) {
    Decompressor decompressor({});
    std::string out;
    EXPECT_EQ(decompressor.add(half, out, ample), Result::good);
    return decompressor.end(out, ample);
  };
  for (std::size_t size = 1; size < hello.size(); ++size)
    EXPECT_EQ(end_of(hello.substr(0, size)), Result::malformed);
  EXPECT_EQ(end_of(hello), Result::good);
  EXPECT_EQ(end_of(stored), Result::malformed);
}

TEST(WebSocketDeflate, NoBytesAreAnEmptyMessage) {
  for (const bool takeover : {false, true}) {
    Decompressor decompressor({.window_bits = 15, .context_takeover = takeover});
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(decompressed(decompressor, "", 1), "");
      EXPECT_EQ(decompressed(decompressor, {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, 1), "Hello");
    }
  }
}

struct Offer {
  const char* offered;
  const char* answered;  // null if rejected
};

TEST(WebSocketExtension, OffersAreAcceptedOrRejected) {
  const Deflate all{.window_bits = 15};
  for (const auto& [offered, answered] : std::vector<Offer>{
           {"", nullptr},
           {"permessage-deflate", "permessage-deflate"},
           {"Permessage-Deflate", "permessage-deflate"},
           {"x-webkit-deflate-frame", nullptr},
           {"x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"},
           {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
           {"permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10"},
           {"permessage-deflate; client_max_window_bits=\"10\"",
            "permessage-deflate; client_max_window_bits=10"},
           {"permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=8"},
           {"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
           {"permessage-deflate; server_max_window_bits", nullptr},
           {"permessage-deflate; server_max_window_bits=7", nullptr},
           {"permessage-deflate; server_max_window_bits=16", nullptr},
           {"permessage-deflate; server_max_window_bits=010", nullptr},
           {"permessage-deflate; server_max_window_bits=1x", nullptr},
           {"permessage-deflate; server_no_context_takeover=1", nullptr},
           {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", nullptr},
           {"permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", nullptr},
           {"permessage-deflate; unknown", nullptr},
           {"permessage-deflate; client_max_window_bits, permessage-deflate; unknown",
            "permessage-deflate"},
           {" , permessage-deflate ; server_max_window_bits = \"9\" , x",
            "permessage-deflate; server_max_window_bits=9"},
           {"permessage-deflate; server_max_window_bits=", nullptr},
           {"permessage-deflate; server_max_window_bits=\"9", nullptr},
           {"permessage-deflate;", nullptr},
           {"permessage-deflate x", nullptr},
           {"permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9"}}) {
    const auto accepted = accept_offer(offered, all);
    EXPECT_EQ(accepted ? accepted->answer : "declined", answered ? answered : "declined")
        << offered;
  }
}

TEST(WebSocketExtension, TheServerAsksForLessMemory) {
  const auto accepted =
      accept_offer("permessage-deflate; client_max_window_bits", {.context_takeover = false});
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->answer,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=12; "
            "client_max_window_bits=12");
  const auto silent =
      accept_offer("permessage-deflate", {});  // the client did not offer client_max_window_bits
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->terms.from_client.window_bits, 15);
  EXPECT_EQ(silent->terms.from_server.window_bits, 12);
}

TEST(WebSocketExtension, AClientOffersASecondChoiceWithoutWindowBits) {
  EXPECT_EQ(
      offer_of({}),
      "permessage-deflate; server_max_window_bits=12; client_max_window_bits, permessage-deflate");
  EXPECT_EQ(offer_of({.window_bits = 15, .context_takeover = false}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "client_max_window_bits, "
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(WebSocketExtension, RepliesMustMatchTheOffer) {
  EXPECT_TRUE(agreement_of("permessage-deflate; server_max_window_bits=12", {}));
  EXPECT_TRUE(
      agreement_of("permessage-deflate; server_max_window_bits=9; client_max_window_bits=8", {}));
  for (const char* fallback :
       {"permessage-deflate", "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"}) {
    const auto terms = agreement_of(fallback, {});
    ASSERT_TRUE(terms) << fallback;
    EXPECT_EQ(terms->from_server.window_bits, 15);
    EXPECT_EQ(terms->from_client.window_bits, 12);
  }
  for (const char* answer :
       {"permessage-deflate; server_max_window_bits=13", "x",
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=12, permessage-deflate", ""})
    EXPECT_FALSE(agreement_of(answer, {})) << answer;
  EXPECT_FALSE(agreement_of("permessage-deflate", {.window_bits = 15, .context_takeover = false}));
}

}  // namespace
}  // namespace evio::websocket
