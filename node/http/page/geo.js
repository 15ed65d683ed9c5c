// Points on the globe. Degrees; longitudes from -180 to 180.

const EARTH_KM = 6371.0088;  // mean radius
const RADIAN = Math.PI / 180;

/** @param {number} longitude */
export function wrapped(longitude) {
  return longitude - 360 * Math.floor((longitude + 180) / 360);
}

/** The distance of two points in km. */
export function distanceKm(a, b) {
  const half = (x, y) => Math.sin(((y - x) * RADIAN) / 2) ** 2;
  const h = half(a.lat, b.lat) + Math.cos(a.lat * RADIAN) * Math.cos(b.lat * RADIAN) * half(a.lng, b.lng);
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/**
 * The outline of a circle on the globe, closed, as [longitude, latitude].
 * @param {{lat: number, lng: number}} centre
 * @param {number} km
 * @returns {number[][]}
 */
export function circleOutline(centre, km) {
  const angle = km / EARTH_KM;
  const latitude = centre.lat * RADIAN;
  const points = [];
  for (let step = 0; step <= 120; ++step) {
    const bearing = (step * 3) * RADIAN;
    const sine = Math.sin(latitude) * Math.cos(angle) + Math.cos(latitude) * Math.sin(angle) * Math.cos(bearing);
    const east = Math.atan2(Math.sin(bearing) * Math.sin(angle) * Math.cos(latitude),
      Math.cos(angle) - Math.sin(latitude) * sine);
    points.push([wrapped(centre.lng + east / RADIAN), Math.asin(Math.max(-1, Math.min(1, sine))) / RADIAN]);
  }
  return points;
}

/** Coordinates as clients of herd send them: "+34.068930-118.445127" (ISO 6709). */
export function coordinates(latitude, longitude) {
  const signed = (value) => (value < 0 ? "-" : "+") + Math.abs(value).toFixed(6);
  return signed(latitude) + signed(longitude);
}
