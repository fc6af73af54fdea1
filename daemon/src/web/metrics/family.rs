//! Metrics of one name, in the form that the encoder expects.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::figures::Histogram;

/// A label and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// Metrics of one name, kind and meaning.
#[derive(Debug)]
pub(super) struct Family(MetricFamily);

impl Family {
    /// A gauge, which may go up and down.
    pub(super) fn gauge(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::GAUGE)
    }

    /// A counter, which only grows, even across restarts.
    pub(super) fn counter(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::COUNTER)
    }

    /// A histogram.
    pub(super) fn histogram(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::HISTOGRAM)
    }

    fn new(name: &str, help: &str, kind: MetricType) -> Self {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Self(family)
    }

    /// Adds a value of a gauge or counter.
    pub(super) fn add(&mut self, labels: &[Label<'_>], value: f64) {
        let mut metric = labelled(labels);
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
    }

    /// Adds a histogram.
    pub(super) fn add_histogram(&mut self, labels: &[Label<'_>], measured: &Histogram) {
        let bucket = |bucket: &crate::figures::Bucket| {
            let mut told = Bucket::default();
            told.set_upper_bound(bucket.at_most.as_secs_f64());
            told.set_cumulative_count(bucket.count);
            told
        };
        let mut histogram = Buckets::default();
        histogram.set_bucket(measured.buckets.iter().map(bucket).collect());
        histogram.set_sample_count(measured.count);
        histogram.set_sample_sum(measured.total.as_secs_f64());
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.0.mut_metric().push(metric);
    }

    /// Returns the family with one more value.
    pub(super) fn with(mut self, labels: &[Label<'_>], value: f64) -> Self {
        self.add(labels, value);
        self
    }

    /// The family for the encoder, which refuses one without metrics.
    pub(super) fn done(self) -> Option<MetricFamily> {
        (!self.0.get_metric().is_empty()).then_some(self.0)
    }
}

fn labelled(labels: &[Label<'_>]) -> Metric {
    let pair = |&(name, value): &Label<'_>| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

/// Converts a count to a metric value.
#[expect(clippy::cast_precision_loss, reason = "metrics are doubles, and counts are far below 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// Converts a boolean to 1 or 0.
pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
