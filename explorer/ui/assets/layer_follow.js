// Tells the parts of the page which layer the server has chosen, for instance from a link.
export default function ({ data }) {
  layerChoice().follow(data.chosen, data.number);
}
