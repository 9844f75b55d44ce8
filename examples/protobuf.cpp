// A server of Protobuf messages that adds numbers: request and reply are messages.
#include <cstdio>
#include <evio/evio.hpp>
#include <evio/protobuf.hpp>
#include <numeric>

#include "protobuf.pb.h"

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  evio::serve(
      {.codec = evio::protobuf::Codec(),
       .handle_signals = true,
       .serving =
           [](evio::Server& s) { std::printf("on %s\n", s.addresses()[0].to_string().c_str()); },
       .data =
           [](evio::Conn& conn, evio::Input& in) {
             example::Question question;
             if (!evio::protobuf::parse(in, question)) return conn.close();
             example::Answer answer;
             answer.set_id(question.id());
             answer.set_sum(
                 std::accumulate(question.numbers().begin(), question.numbers().end(), int64_t{0}));
             evio::protobuf::write(conn, answer);
           }},
      argc > 1 ? argv[1] : "tcp://:5000");
}
