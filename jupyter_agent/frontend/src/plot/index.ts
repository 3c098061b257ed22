/** Plots of metrics, drawn by uPlot, and pictures of them. */

export { Chart, type ChartHandlers, type Curve, type Look } from "./chart.js";
export { pictureOf } from "./picture.js";
