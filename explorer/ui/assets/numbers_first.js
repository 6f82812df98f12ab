// Stands in the document itself (explorer/ui/first_paint.py). The code of charts runs for as long as all other code of a
// page together. It is asked for through this function, which lets the numbers of the page be painted first.
const HAS_NO_NUMBERS = /\/(learn|runs)\/?$/.test(location.pathname); // there, the first text counts
const NUMBERS = HAS_NO_NUMBERS ? "[data-testid=stMain] p" : "[data-testid=stMetricValue], .top-classes";
const LONGEST_WAIT = 3000; // ms; without numbers, a chart waits no longer
let numbers;

function codeOfChart(file) {
  numbers ??= new Promise((done) => {
    setTimeout(done, LONGEST_WAIT);
    (function look() {
      const isSeen = (number) => number.checkVisibility({ visibilityProperty: true });
      const areSeen = [...document.querySelectorAll(NUMBERS)].some(isSeen);
      requestAnimationFrame(areSeen ? () => setTimeout(done) : look); // after the frame that paints them
    })();
  });
  return numbers.then(() => import(new URL(file, document.baseURI)));
}
