// SPDX-License-Identifier: GPL-2.0-or-later
#include "message/field_values.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace dpinholer::message {
namespace {

using namespace std::string_literals;

TEST(FieldValues, Rfc3261Section2016CSeq) {
  struct Case {
    const char* value;
    std::optional<std::uint32_t> number;
    const char* method;
  };
  const Case cases[] = {
      {"4711 INVITE", 4711, "INVITE"},
      {"0009   INVITE", 9, "INVITE"},  // RFC 4475 3.1.1.1
      {"0 INVITE", 0, "INVITE"},
      {"1\tX!Y", 1, "X!Y"},
      {"2147483647 BYE", 2147483647, "BYE"},
      {"2147483648 BYE", {}, ""},                 // section 8.1.1.5
      {"36893488147419103232 REGISTER", {}, ""},  // RFC 4475 3.1.2.4
      {"-1 BYE", {}, ""},
      {"1", {}, ""},
      {"1 ", {}, ""},
      {"BYE 1", {}, ""},
      {"1 BYE now", {}, ""},
      {"1BYE", {}, ""},
      {"", {}, ""},
  };
  for (const auto& c : cases) {
    const auto cseq = read_cseq(c.value);
    ASSERT_EQ(cseq.has_value(), c.number.has_value()) << c.value;
    if (!cseq) continue;
    EXPECT_EQ(cseq->number, *c.number) << c.value;
    EXPECT_EQ(cseq->method, c.method) << c.value;
  }
}

TEST(FieldValues, Rfc3261Section208CallId) {
  EXPECT_TRUE(is_call_id("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com"));
  EXPECT_TRUE(is_call_id("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));  // RFC 4475 3.1.1.2
  EXPECT_FALSE(is_call_id(""));
  EXPECT_FALSE(is_call_id("a b"));
  EXPECT_FALSE(is_call_id("a\x1b[2J"));
  EXPECT_FALSE(is_call_id("a\0b"s));
  EXPECT_FALSE(is_call_id("caf\xc3\xa9"));
  EXPECT_TRUE(is_call_id(std::string(base::limits::call_id_length, 'x')));
  EXPECT_FALSE(is_call_id(std::string(base::limits::call_id_length + 1, 'x')));
}

TEST(FieldValues, Rfc3261Section2020ParametersOfFromAndTo) {
  struct Case {
    const char* why;
    std::string value;
    std::optional<std::string> parameters;
  };
  const Case cases[] = {
      {"name-addr", "<sip:a@b>;tag=1", ";tag=1"},
      {"URI parameters are not the field's", "<sip:a@b;tag=evil>;tag=1", ";tag=1"},
      {"20.10: those of an addr-spec are", "sip:a@b;tag=1", ";tag=1"},
      {"none", "<sip:a@b>", ""},
      {"none", "sip:a@b", ""},
      {"a display name", "Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", ";tag=hyh8"},
      {"a quoted one", "\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s", ";tag=a48s"},
      {"one that looks like the rest", "\"<sip:x>;tag=evil\" <sip:a@b>;tag=1", ";tag=1"},
      {"escaped quotes", "\"J Rosenberg \\\\\\\"\" <sip:jdrosen@example.com> ; tag = 98asjd8",
       "; tag = 98asjd8"},
      {"RFC 4475 3.1.1.6: no space before <", "caller<sip:caller@example.com>;tag=323", ";tag=323"},
      {"RFC 4475 3.1.2.15: no quotes", "Bell, Alexander <sip:a.g.bell@example.com>;tag=43", ";tag=43"},
      {"8 bits without quotes", "J\xfcrgen <sip:a@b;tag=evil>;tag=1", ";tag=1"},
      {"RFC 4475 3.1.2.14: spaces in the URI", "\"W\" < sip:t.watson@example.org >", ""},
      {"no SIP URI", "isbn:2983792873", ""},
      {"RFC 4475 3.1.2.6: a quote that does not end", "\"Mr. J. User <sip:j.user@example.com>", {}},
      {"a quote that ends with a backslash", "\"x\\", {}},
      {"no >", "<sip:a@b;tag=1", {}},
      {"nothing in <>", "<>;tag=1", {}},
      {"no address", ";tag=1", {}},
      {"a name alone", "\"x\";tag=1", {}},
      {"nothing", "", {}},
      {"something behind >", "<sip:a@b>x;tag=1", {}},
      {"a list", "<sip:a@b>, <sip:c@d>;tag=1", {}},
      {"a display name with a semicolon, without quotes", "A;tag=evil <sip:a@b>;tag=1", {}},
  };
  for (const auto& c : cases) {
    const auto parameters = address_parameters(c.value);
    ASSERT_EQ(parameters.has_value(), c.parameters.has_value()) << c.why << ": " << c.value;
    EXPECT_EQ(parameters.value_or(""), c.parameters.value_or("")) << c.why;
  }
}

TEST(FieldValues, Rfc3261Section2042ParametersOfVia) {
  struct Case {
    const char* why;
    const char* value;
    std::optional<std::string> parameters;
  };
  const Case cases[] = {
      {"20.42", "SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207 ;branch=z9hG4bK77asjd",
       ";received=192.0.2.207 ;branch=z9hG4bK77asjd"},
      {"20.42: LWS", "SIP / 2.0 / UDP first.example.com: 4000;ttl=16", ";ttl=16"},
      {"no parameters (RFC 2543)", "SIP/2.0/UDP a", ""},
      {"an unknown transport", "SIP/2.0/UNKNOWN t4.example.com;branch=z", ";branch=z"},
      {"a tab", "SIP/2.0/TCP\ta;branch=z", ";branch=z"},
      {"IPv6", "sip/2.0/UDP [2001:db8::9:1]:6050;branch=z", ";branch=z"},
      {"RFC 4475 3.1.2.16", "SIP/7.0/UDP c.example.com;branch=z", {}},
      {"another protocol", "HTTP/2.0/UDP a;branch=z", {}},
      {"no transport", "SIP/2.0/ ;branch=z", {}},
      {"no host", "SIP/2.0/UDP ;branch=z", {}},
      {"no host", "SIP/2.0/UDP", {}},
      {"half of it", "SIP/2.0", {}},
      {"nothing", "", {}},
  };
  for (const auto& c : cases) {
    const auto parameters = via_parameters(c.value);
    ASSERT_EQ(parameters.has_value(), c.parameters.has_value()) << c.why << ": " << c.value;
    EXPECT_EQ(parameters.value_or(""), c.parameters.value_or("")) << c.why;
  }
}

TEST(FieldValues, FirstOfAList) {
  EXPECT_EQ(first_of_list("a"), "a");
  EXPECT_EQ(first_of_list("a , b"), "a");
  EXPECT_EQ(first_of_list("a;x=\"1,2\",b"), "a;x=\"1,2\"");
  EXPECT_EQ(first_of_list(",b"), "");
  EXPECT_EQ(first_of_list("a;x=\"1,b"), "a;x=\"1,b");  // the quote does not end, so there is no list
}

TEST(FieldValues, OneParameter) {
  struct Case {
    const char* why;
    const char* parameters;
    std::optional<std::string> value;
    bool repeated;
  };
  const Case cases[] = {
      {"alone", ";tag=1", "1", false},
      {"after others", ";x=y;z;tag=1", "1", false},
      {"LWS", "; x ; tag = 1 ", "1", false},
      {"7.3.1: names without regard to case", ";TAG=1", "1", false},
      {"not there", ";tags=1;x-tag=2", "", false},
      {"in quotes", ";x=\";tag=evil\";tag=1", "1", false},
      {"in quotes, with one escaped", ";x=\"\\\";tag=evil\";tag=1", "1", false},
      {"20: more than once, even with one value", ";tag=1;tag=1", "1", true},
      {"more than once", ";tag=1;x;Tag=2", "1", true},
      {"more than once, first without value", ";tag;tag=2", "", true},
      {"no value", ";tag", "", false},
      {"an empty value", ";tag=;x", "", false},
      {"= in the value", ";tag=YWJj==", "YWJj==", false},
      {"a semicolon at the end", ";tag=1;", "1", false},
      {"RFC 5118 4.5: an address without brackets", ";received=2001:db8::9:255;tag=1", "1", false},
      {"RFC 4475 3.1.1.2: UTF-8 in quotes", ";x=\"\xd1\x80\";tag=1", "1", false},
      {"RFC 4475 3.1.2.1: none between semicolons", ";;tag=1", {}, false},
      {"a quote that does not end", ";x=\"y;tag=1", {}, false},
      {"a quote in a value", ";x=y\"a;tag=evil\";tag=1", {}, false},
      {"something behind a quote", ";x=\"y\"z;tag=1", {}, false},
      {"a blank in a value", ";tag=1 2", {}, false},
      {"a comma", ";tag=1,2", {}, false},
      {"8 bits without quotes", ";tag=\xff", {}, false},
      {"a name that is no token", ";t@g=1;tag=1", {}, false},
      {"no name", ";=1;tag=1", {}, false},
  };
  for (const auto& c : cases) {
    const auto parameter = find_parameter(c.parameters, "tag");
    ASSERT_EQ(parameter.has_value(), c.value.has_value()) << c.why;
    if (!parameter) continue;
    EXPECT_EQ(parameter->value, *c.value) << c.why;
    EXPECT_EQ(parameter->repeated, c.repeated) << c.why;
  }
  EXPECT_EQ(find_parameter("", "tag")->value, "");
}

TEST(FieldValues, DeltaSeconds) {
  EXPECT_EQ(read_delta_seconds("1800"), 1800U);
  EXPECT_EQ(read_delta_seconds("90 ;refresher=uac"), 90U);
  EXPECT_EQ(read_delta_seconds("280297596632815"), 4294967295U);
  EXPECT_EQ(read_delta_seconds("99999999999999999999999"), 4294967295U);
  EXPECT_FALSE(read_delta_seconds(""));
  EXPECT_FALSE(read_delta_seconds(";refresher=uac"));
  EXPECT_FALSE(read_delta_seconds("-1"));
  EXPECT_FALSE(read_delta_seconds("1 2"));
}

TEST(FieldValues, Lists) {
  EXPECT_TRUE(list_contains("100rel", "100rel"));
  EXPECT_TRUE(list_contains("timer , 100REL", "100rel"));
  EXPECT_FALSE(list_contains("x100rel,100relx", "100rel"));
  EXPECT_FALSE(list_contains("", "100rel"));
  EXPECT_FALSE(list_contains(",,", "100rel"));
}

}  // namespace
}  // namespace dpinholer::message
