// SPDX-License-Identifier: GPL-2.0-or-later
#include "negotiation/row.h"

namespace dpinholer::negotiation::test {

std::string to_text(const Transport& transport) {
  std::string text = transport.protocol == base::Protocol::tcp ? "tcp " : "";
  text += std::string(name(transport.component)) + " ";
  const std::string where = transport.named ? "(name)" : transport.address.to_string();
  const bool own = where == offerer_address || where == answerer_address;
  const bool bracket = !transport.named && transport.address.family() == base::Family::ipv6;
  if (!own) text += bracket ? "[" + where + "]:" : where + ":";
  text += std::to_string(transport.port);
  if (transport.off) text += " (off)";
  return transport.held ? text + " (held)" : text;
}

std::string to_text(const Grants& grants) {
  std::string text;
  for (const Grant& grant : grants) {
    if (grant.to.empty()) continue;
    text += (text.empty() ? "" : " | ") + std::string(name(grant.media)) + ":";
    for (const Transport& transport : grant.to)
      text += (&transport == &grant.to.front() ? " " : ", ") + to_text(transport);
  }
  return text;
}

std::string senders_text(const Grants& grants) {
  if (grants.empty()) return "nobody";
  const Grant& grant = grants.front();
  if (!grant.bound) return "any";
  std::string text;
  for (const base::Address& sender : grant.senders) text += sender.to_string() + ", ";
  return text + grant.sender_signalling.to_string();
}

void RowTest::run(const Row& row) {
  const Announcement offer =
      announcement(dpinholer::test::sdp(row.offer, row.offer_session), offerer_address);
  const Grants before = offered(offer, row.settings);
  EXPECT_EQ(to_text(before), row.offered) << "before the answer";
  for (const Grant& grant : before) {
    EXPECT_FALSE(grant.bound) << "the answerer's addresses are not known yet";
    EXPECT_EQ(grant.phase, Phase::early);
    EXPECT_EQ(grant.announced_by, address(offerer_address));
  }

  const Announcement answer =
      announcement(dpinholer::test::sdp(row.answer, row.answer_session), answerer_address);
  const Agreement agreement = agree(offer, answer, row.settings);
  EXPECT_EQ(to_text(agreement.toward_offerer), row.to_offerer) << "toward the offerer";
  EXPECT_EQ(to_text(agreement.toward_answerer), row.to_answerer) << "toward the answerer";
  for (const Grants* grants : {&agreement.toward_offerer, &agreement.toward_answerer}) {
    const bool of_offerer = grants == &agreement.toward_offerer;
    for (const Grant& grant : *grants) {
      EXPECT_TRUE(grant.bound);
      EXPECT_EQ(grant.phase, agreement.held ? Phase::held : Phase::established);
      EXPECT_EQ(grant.announced_by, address(of_offerer ? offerer_address : answerer_address));
      EXPECT_EQ(grant.sender_signalling, address(of_offerer ? answerer_address : offerer_address));
    }
  }
}

std::string row_name(const testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

}  // namespace dpinholer::negotiation::test
