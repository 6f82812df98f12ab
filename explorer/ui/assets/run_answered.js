// Ends the preview of a choice: the details from the server are on the page.
export default function ({ data }) {
  runChoice().answer(data.number);
}
