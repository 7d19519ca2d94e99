//! Medians, ratios and their means.

/// The median of measurements; none of nothing.
pub fn median(measured: &[u64]) -> Option<f64> {
    let mut sorted = measured.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map(|value| *value as f64)
}

/// The geometric mean; none of nothing.
pub fn geomean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[90, 100, 500, 110, 95]), Some(100.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn twice_and_half_are_one_on_average() {
        assert!((geomean(&[2.0, 0.5]).expect("there are ratios") - 1.0).abs() < 1e-9);
        assert!(geomean(&[]).is_none());
    }
}
