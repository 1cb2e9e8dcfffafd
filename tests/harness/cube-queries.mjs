// The four queries of the cube as statements, the same for whoever is asked.

export const QUERIES = {
  q1: "SELECT campaign, SUM(impressions), SUM(clicks), SUM(conversions), SUM(cost_micros), SUM(value_micros) FROM ad_stats WHERE service = 'ios_app' AND country IN ('US', 'GB', 'DE') GROUP BY campaign",
  q2: "SELECT ad, SUM(cost_micros) AS cost, SUM(impressions), SUM(clicks) FROM ad_stats GROUP BY ad ORDER BY cost DESC LIMIT 20",
  q3: "SELECT hour, SUM(impressions), SUM(clicks), SUM(conversions), SUM(cost_micros) FROM ad_stats WHERE campaign = '1010' GROUP BY hour ORDER BY hour",
  q4: "SELECT country, device, SUM(impressions), SUM(clicks), SUM(cost_micros) FROM ad_stats GROUP BY country, device",
};
