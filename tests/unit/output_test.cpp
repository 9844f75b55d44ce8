// The output queue: the bytes leave in the order in which they were appended, in whatever form and
// however few at a time.
#include "output.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace evio::test {

using namespace detail;
namespace {

std::string front_of(const Output& output, std::size_t pieces = 64) {
  std::vector<Chunk> room(pieces);
  std::string bytes;
  for (const Chunk& chunk : output.front(room)) bytes.append(chunk.data, chunk.size);
  return bytes;
}

TEST(Output, KeepsTheOrderOfWhatIsAppended) {
  OutputPool pool;
  Output output(pool);
  const std::string borrowed = "borrowed";
  output.append_copy("copied ");
  output.append_borrowed(borrowed);
  output.append_shared(SharedBytes(" shared"));
  EXPECT_EQ(front_of(output), "copied borrowed shared");
  EXPECT_EQ(output.size(), 22U);
  EXPECT_EQ(pool.pending, 22U);
}

TEST(Output, SmallCopiesShareABlock) {
  OutputPool pool;
  Output output(pool);
  for (int i = 0; i < 100; ++i) output.append_copy("12345");
  EXPECT_EQ(front_of(output, 1).size(), 500U);
}

TEST(Output, BorrowedAndSharedBytesAreNotCopied) {
  OutputPool pool;
  Output output(pool);
  const std::string borrowed(1000, 'l');
  const SharedBytes buffer(std::string(1000, 'b'));
  output.append_borrowed(borrowed);
  output.append_shared(buffer);
  Chunk room[4];
  const auto chunks = output.front(room);
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].data, borrowed.data());
  EXPECT_EQ(chunks[1].data, buffer.view().data());
}

TEST(Output, OwnCopiesBorrowedBytes) {
  OutputPool pool;
  Output output(pool);
  std::string borrowed = "borrowed bytes";
  output.append_copy("before ");
  output.append_borrowed(borrowed);
  output.append_copy(" after");
  output.own();
  borrowed.assign(borrowed.size(), 'x');
  EXPECT_EQ(front_of(output), "before borrowed bytes after");
}

TEST(Output, KeepsSharedBytesAliveUntilTheyAreSent) {
  OutputPool pool;
  Output output(pool);
  auto owner = std::make_shared<std::string>(1000, 's');
  std::weak_ptr<std::string> watched = owner;
  output.append_shared(SharedBytes(owner, *owner));
  owner.reset();
  output.consume(999);
  EXPECT_FALSE(watched.expired());
  output.consume(1);
  EXPECT_TRUE(watched.expired());
}

TEST(Output, BytesInFlightStayInPlaceWhileMoreIsAppended) {
  OutputPool pool;
  Output output(pool);
  output.append_copy("in flight");
  const Chunk first = output.front_in_place()[0];
  const std::string borrowed = "borrowed";
  for (int i = 0; i < 10'000; ++i) output.append_copy("more");
  output.append_borrowed(borrowed);
  output.own();
  EXPECT_EQ(std::string_view(first.data, 9), "in flight");
}

// Small pieces take hardly more memory than their bytes.
TEST(Output, SmallPiecesAreMerged) {
  const std::string bytes(100'000, 'b');
  const SharedBytes one(std::string("b"));
  const auto held_by = [&](const auto& append) {
    OutputPool pool;
    Output output(pool);
    for (std::size_t i = 0; i < bytes.size(); ++i) append(output, i);
    EXPECT_EQ(output.size(), bytes.size());
    return pool.held;
  };
  const std::size_t most = bytes.size() + 2 * OutputPool::large_bytes;
  EXPECT_LE(held_by([&](Output& output, std::size_t) { output.append_shared(one); }), most);
  EXPECT_LE(held_by([&](Output& output, std::size_t) { output.append_copy("b"); }), most);
  EXPECT_LE(held_by([&](Output& output, std::size_t i) {
              output.append_borrowed(std::string_view(bytes).substr(i, 1));
            }),
            most)
      << "which stays in the memory that it was borrowed from";
  EXPECT_LE(held_by([&](Output& output, std::size_t i) {
              output.append_borrowed(std::string_view(bytes).substr(bytes.size() - 1 - i, 1));
            }),
            most)
      << "in another order";
}

// A small copy between two references is stored in a small block.
TEST(Output, AlternatingPiecesTakeMemoryInProportion) {
  OutputPool pool;
  Output output(pool);
  const SharedBytes shared(std::string(OutputPool::copied_bytes + 1, 's'));
  for (int i = 0; i < 1000; ++i) {
    output.append_shared(shared);
    output.append_copy("c");
  }
  EXPECT_LE(pool.held, 4 * output.size());
  output.clear();
  const std::string copied(1000, 'c');
  for (int i = 0; i < 1000; ++i) {
    output.append_shared(shared);
    output.append_copy(copied);
  }
  EXPECT_LE(pool.held, 2 * output.size());
}

// Random commands on the queue and on a string as the model.
TEST(Output, ReturnsTheBytesThatWereAppended) {
  EXPECT_TRUE(rc::check([] {
    OutputPool pool;
    Output output(pool);
    std::string model;
    std::vector<std::unique_ptr<std::string>> borrowed;
    const auto commands = *rc::gen::container<std::vector<std::pair<int, std::size_t>>>(
        rc::gen::pair(rc::gen::inRange(0, 5), rc::gen::inRange<std::size_t>(0, 40'000)));
    char next = 'a';
    for (const auto& [command, size] : commands) {
      next = next == 'z' ? 'a' : static_cast<char>(next + 1);
      const std::string bytes(size, next);
      switch (command) {
        case 0:
          output.append_copy(bytes);
          model += bytes;
          break;
        case 1:
          borrowed.push_back(std::make_unique<std::string>(bytes));
          output.append_borrowed(*borrowed.back());
          model += bytes;
          break;
        case 2:
          output.append_shared(SharedBytes(bytes));
          model += bytes;
          break;
        case 3:
          output.own();
          for (auto& each : borrowed) each->assign(each->size(), '!');
          borrowed.clear();
          break;
        default: {
          const std::string front = front_of(output, 3);
          RC_ASSERT(model.compare(0, front.size(), front) == 0);
          const std::size_t count = std::min(size, front.size());
          output.consume(count);
          model.erase(0, count);
        }
      }
      RC_ASSERT(output.size() == model.size());
      RC_ASSERT(pool.pending == model.size());
    }
    while (!output.empty()) {
      const std::string front = front_of(output);
      RC_ASSERT(model.compare(0, front.size(), front) == 0);
      output.consume(front.size());
      model.erase(0, front.size());
    }
    RC_ASSERT(model.empty());
    RC_ASSERT(pool.held == 0U);
  }));
}

}  // namespace
}  // namespace evio::test
