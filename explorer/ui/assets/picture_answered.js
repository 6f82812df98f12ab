// Ends the preview of a picture: the server's answer is on the page.
export default function ({ data }) {
  pictureChoice().answered(data.number);
}
