#include "framed.hpp"

#include <algorithm>

#include "model.hpp"

namespace evio::test {

using namespace sim;

Framing a_framing(Chance& chance) {
  switch (chance.below(6)) {
    case 0: {
      const std::size_t size = chance.upto(300);
      return {codec::FixedLength(size), size, size};
    }
    case 1:
      return {codec::LengthPrefixed(1), 1, 255};
    case 2:
      return {codec::LengthPrefixed(4, std::endian::little), 1, 3000};
    case 3:
      return {codec::VarintPrefixed(), 1, 3000};
    case 4:
      return {codec::Delimited("==="), 1, 3000};
    default:
      return {codec::Lines(), 1, 3000};
  }
}

Framed::Framed(Model& model, Peer& of, std::uint32_t number)
    : peer(of),
      model_(model),
      number_(number),
      chance_(model.setting.seed * 1000 + number),
      framing_(model.setting.framing) {
  peer.when_changed([this](Peer&) { check_peer(); });
}

void Framed::fail(const std::string& why) {
  model_.fail("framed " + std::to_string(number_) + ": " + why);
}

// Letters only: no delimiter, and no end of a line.
std::string Framed::message(std::size_t size) {
  std::string text(framing_.least + size % (framing_.most - framing_.least + 1), '\0');
  for (char& letter : text) letter = static_cast<char>('a' + chance_.below(26));
  return text;
}

Action Framed::opened(Conn& c) {
  const Model::Inside inside(model_, "opened of a framed one");
  if (state_ != State::none) fail("opened twice");
  state_ = State::open;
  handle_ = c.handle();
  if (chance_(0.3)) answer(c, message(chance_.below(3000)));
  return Action::none;
}

Action Framed::data(Conn& c, Input& in) {
  const Model::Inside inside(model_, "data of a framed one");
  if (state_ != State::open) fail("data out of order");
  if (in.empty()) {
    fail("data with no message");
    return Action::none;
  }
  if (paused_ && wakes_ == 0) fail("data, though it is paused");
  if (shown_ == sent_.size()) {
    fail("a message that was not sent");
    return Action::none;
  }
  if (in.view() != sent_[shown_]) fail("another message");
  const std::string_view whole = in.view();
  if (framing_.codec.encoded(whole).size() > model_.setting.limits.input_max)
    fail("a message beyond the limit");
  ++shown_;
  in.take(chance_.below(whole.size() + 1));  // unconsumed bytes of a message are dropped
  for (std::uint64_t i = chance_.below(3); i > 0; --i)
    answer(c, std::string(whole.rbegin(), whole.rend()));
  if (chance_(0.2)) {
    c.pause();
    paused_ = true;
    c.run_after(Duration(chance_.below(5'000'000)), [this](Conn& later) {
      paused_ = false;
      later.resume();
    });
  }
  return Action::none;
}

void Framed::answer(Conn& c, const std::string& message) {
  const std::string bytes = framing_.codec.encoded(message);
  c.write(message);
  if (c.is_open()) expected_ += bytes;
}

void Framed::closed(Conn& c, std::error_code error) {
  const Model::Inside inside(model_, "closed of a framed one");
  if (state_ != State::open) fail("closed out of order");
  state_ = State::gone;
  if (c.write(message(1)) || handle_.send(message(1))) fail("closed, but it sends");
  if (error == Errc::bad_frame) fail("there was no bad frame");
  if (error == Errc::input_overflow) fail("whose input are messages has no overflow");
  if (error == Errc::frame_too_large && !too_large_) fail("no frame was too large");
  if (model_.flawless() && !peer_broke_ && error) fail("closed with an error: " + error.message());
}

void Framed::send(std::size_t size) {
  if (!peer.can_send()) return;
  sent_.push_back(message(size));
  const std::string bytes = framing_.codec.encoded(sent_.back());
  too_large_ |= bytes.size() > model_.setting.limits.input_max;
  peer.send(bytes);
}

void Framed::wake() {
  if (!handle_) return;
  ++wakes_;
  handle_.wake();
  handle_.post([this](Conn&) { --wakes_; });
}

// The post after it shows whether the send was accepted.
void Framed::handle_send(std::size_t size) {
  if (!handle_) return;
  const std::string text = message(size);
  handle_.send(text);
  handle_.post([this, text](Conn& c) {
    const Model::Inside inside(model_, "post");
    if (c.is_open()) expected_ += framing_.codec.encoded(text);
  });
}

void Framed::finale() {
  peer.start_reading();
  peer.shutdown_write();
}

void Framed::check_peer() {
  if (!expected_.starts_with(peer.received())) fail("the peer received other bytes");
}

void Framed::check_at_end() {
  check_peer();
  if (state_ == State::open) fail("not closed at the end");
  if (!model_.flawless() || peer_broke_) return;
  if (shown_ != sent_.size()) fail("a message was not shown");
  if (peer.received() != expected_) fail("bytes are lost");
  if (!peer.done()) fail("its peer has not come to an end");
}

}  // namespace evio::test
