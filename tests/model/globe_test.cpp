#include "tests/model/globe.hpp"

#include <string>

#include "tests/catch.hpp"
#include "tests/model/fault.hpp"

namespace herd::model {

TEST_CASE("the model's points are rounded to 7 digits, half away from zero") {
  CHECK(point_of("+1.00000005-2.00000005").latitude == 10'000'001);
  CHECK(point_of("+1.00000005-2.00000005/").longitude == -20'000'001);
  CHECK(point_of("+1.000000049999-2.000000049999").latitude == 10'000'000);
  CHECK(point_of("-0.00000005+0").latitude == -1);
  CHECK(is_coordinates("+91+0"));
  CHECK(!is_coordinates("car"));
  CHECK(!is_coordinates("+1"));
  CHECK_THROWS_AS(point_of("+91+0"), Fault);
  CHECK_THROWS_AS(point_of("+1-2x"), Fault);
}

TEST_CASE("the model's distances are those of great circles on the sphere of 6371.0088 km") {
  const auto km = [](const char* a, const char* b) {
    const Range range = distance(point_of(a), point_of(b));
    CHECK(range.high - range.low <= 1);
    return static_cast<double>(range.low) * 1e-6;
  };
  CHECK(km("+0+0", "+0+1") == Approx(111.195080).margin(2e-6));
  CHECK(km("+0+0", "+0+180") == Approx(20015.114352).margin(2e-6));
  CHECK(km("+90+0", "-90+77") == Approx(20015.114352).margin(2e-6));
  CHECK(km("+90+12", "+90-33") == 0);
  CHECK(km("+12+180", "+12-180") == 0);
  CHECK(km("+0+0", "+0.0000001+0") == Approx(0.000011).margin(1e-9));
  CHECK(km("+0.0000001+0", "+0+180") == Approx(20015.114341).margin(2e-6));
}

TEST_CASE("the model accepts a printed distance and bearing only in their forms") {
  CHECK(is_km("12.345", {12'345'499, 12'345'499}));
  CHECK(is_km("12.346", {12'345'500, 12'345'500}));
  CHECK(is_km("12.345", {12'345'499, 12'345'500}));
  CHECK(is_km("12.346", {12'345'499, 12'345'500}));
  CHECK(!is_km("12.344", {12'345'499, 12'345'500}));
  CHECK(!is_km("012.345", {12'345'000, 12'345'000}));
  CHECK(is_km("0.007", {7'000, 7'000}));
  const auto bearing = [](const char* text, const char* from, const char* to) {
    return is_bearing(text, point_of(from), point_of(to));
  };
  CHECK(bearing("000", "+1+1", "+1+1"));
  CHECK(!bearing("090", "+1+1", "+1+1"));
  CHECK(bearing("090", "+0+0", "+0+1"));
  CHECK(!bearing("90", "+0+0", "+0+1"));
  CHECK(!bearing("089", "+0+0", "+0+1"));
  CHECK(bearing("270", "+0-179.9", "+0+179.9"));
  CHECK(bearing("000", "+0+0", "+0+180"));
  CHECK(bearing("000", "+10+20", "-10-160"));
  CHECK(!bearing("180", "+10+20", "-10-160"));
  CHECK(bearing("180", "+90+0", "+10+20"));
  CHECK(bearing("000", "-90+0", "+10+20"));
  CHECK(bearing("000", "+10+20", "+90+5"));
  CHECK(bearing("180", "+10+20", "-90+5"));
  CHECK(bearing("000", "+90+5", "-90+5"));
}

TEST_CASE("the model's boxes have edges, meridians that meet and poles without longitude") {
  const auto inside = [](const char* point, const char* south_west, const char* north_east) {
    return is_inside(point_of(point), {point_of(south_west), point_of(north_east)});
  };
  CHECK(inside("+1+1", "+1+1", "+2+2"));
  CHECK(inside("+2+2", "+1+1", "+2+2"));
  CHECK(!inside("+2.0000001+2", "+1+1", "+2+2"));
  CHECK(!inside("+1+0.9999999", "+1+1", "+2+2"));
  CHECK(inside("+1-180", "+1+170", "+2-170"));
  CHECK(inside("+1+175", "+1+170", "+2-170"));
  CHECK(!inside("+1+169", "+1+170", "+2-170"));
  CHECK(inside("+1-180", "+1+170", "+2+180"));
  CHECK(inside("+1+180", "+1-180", "+2-170"));
  CHECK(inside("+90+7", "+80+100", "+90+101"));
  CHECK(!inside("+90+7", "+80+100", "+89.9999999+101"));
  CHECK(inside("+1+5", "+1+5", "+1+5"));
}

}  // namespace herd::model
