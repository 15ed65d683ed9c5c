// What the dashboard's scripts use and no module of theirs defines. For the type checker only: scripts/lint.
declare const L: any;
declare const uPlot: any;
interface Window {
  trustedTypes?: any;
  herdDashboard?: any;
}
